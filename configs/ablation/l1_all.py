"""Table 7: penalty on all channels, no exchange.

python tools/train.py configs/ablation/l1_all.py

Paper's mIoU: 47.5, RGB 46.1, depth 37.9, Table 7 (RefineNet, ResNet-101, NYUDv2,
single-scale). Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange_threshold=0))
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=5e-3, scope='all'),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
