"""Channels are exchanged at random, as in a ShuffleNet.

python tools/train.py configs/ablation/random_exchange.py

Paper's mIoU: 46.8, Sec. 4.1, additional ablations. The paper does not tell the portion.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange=dict(type='RandomExchange', portion=0.3)))
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
