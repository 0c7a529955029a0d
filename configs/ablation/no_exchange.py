"""Shared convolutions, private norms, penalty: none, no exchange.

python tools/train.py configs/ablation/no_exchange.py

Paper's mIoU: 48.0, RGB 46.2, depth 38.4, Tables 1 and 7. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange_threshold=0))
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
