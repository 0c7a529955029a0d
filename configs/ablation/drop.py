"""Unimportant channels are discarded, not exchanged.

python tools/train.py configs/ablation/drop.py

Paper's mIoU: 47.5, Sec. 4.1, additional ablations. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(backbone=dict(exchange=dict(type='ChannelDrop')))
