"""Activations of all modalities are summed (no first line of Eq. 6).

python tools/train.py configs/ablation/sum.py

Paper's mIoU: 48.1, Sec. 4.1, additional ablations (RefineNet, ResNet-101, NYUDv2,
single-scale). Without a scaling factor that decides, there is no penalty. Needs
ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange=dict(type='SumExchange')))
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
