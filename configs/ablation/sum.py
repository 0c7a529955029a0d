"""Activations of all modalities are summed (no first line of Eq. 6).

python tools/train.py configs/ablation/sum.py

Paper's mIoU: 48.1, Sec. 4.1, additional ablations. No scaling factor decides, so there
is no penalty. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange=dict(type='SumExchange')))
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
