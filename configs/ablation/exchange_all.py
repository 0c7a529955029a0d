"""Shared convolutions, private norms, penalty and exchange: all channels.

python tools/train.py configs/ablation/exchange_all.py

Paper's mIoU: 49.8, RGB 48.6, depth 39.0, Tables 1 and 7. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange_scope='all'))
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=0.005, scope='all'),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
