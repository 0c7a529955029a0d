"""Unshared convolutions, private norms, penalty and exchange: own part.

python tools/train.py configs/ablation/exchange_half_unshared.py

Paper's mIoU: 48.5, RGB 46.5, depth 41.6, Table 7. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(convs='private'), decode_head=dict(convs='private'))
