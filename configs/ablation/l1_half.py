"""Shared convolutions, private norms, penalty: own part, no exchange.

python tools/train.py configs/ablation/l1_half.py

Paper's mIoU: 47.7, RGB 46.0, depth 38.1, Tables 1 and 7. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange_threshold=0))
