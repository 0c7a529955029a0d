"""Shared convolutions, private norms, penalty and exchange: own part.

python tools/train.py configs/ablation/exchange_half.py

Paper's mIoU: 51.1, RGB 49.7, depth 45.1 with 118.2 M parameters, Tables 1, 2 and 7 and
Sec. 4.1. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
