"""Shared convolutions, private norms, penalty: all channels, no exchange.

python tools/train.py configs/ablation/l1_all.py

Paper's mIoU: 47.5, RGB 46.1, depth 37.9, Table 7. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange_threshold=0))
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=0.005, scope='all'),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
