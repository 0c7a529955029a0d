"""Table 7: unshared convolutions, penalty on all channels, no exchange.

python tools/train.py configs/ablation/l1_all_unshared.py

Paper's mIoU: 46.6, RGB 44.6, depth 35.3, Table 7 (RefineNet, ResNet-101, NYUDv2,
single-scale). Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(
    backbone=dict(exchange_threshold=0, convs='private'),
    decode_head=dict(convs='private'),
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=5e-3, scope='all'),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
