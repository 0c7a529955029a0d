"""Unshared convolutions, private norms, penalty: none, no exchange.

python tools/train.py configs/ablation/unshared.py

Paper's mIoU: 47.6, RGB 45.5, depth 35.8, Tables 1 and 7. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(
    backbone=dict(exchange_threshold=0, convs='private'),
    decode_head=dict(convs='private'),
)
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
