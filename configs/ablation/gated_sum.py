"""Activations of all modalities are summed with a learned soft gate.

python tools/train.py configs/ablation/gated_sum.py

Paper's mIoU: 48.4, Sec. 4.1, additional ablations. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange=dict(type='GatedSumExchange')))
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
