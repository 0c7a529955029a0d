"""Table 1: unshared convolutions, private norms, no penalty, no exchange.

python tools/train.py configs/ablation/unshared.py

Paper's mIoU: 47.6, RGB 45.5, depth 35.8, Tables 1 and 7 (RefineNet, ResNet-101, NYUDv2,
single-scale). Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(
    backbone=dict(exchange_threshold=0, convs='private'),
    decode_head=dict(convs='private'),
)
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
