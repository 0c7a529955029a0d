"""Concatenation behind stage 2 (early), in the setting of CEN.

python tools/train.py configs/fusion/same/concat_early.py

Paper's mIoU: 47.6, RGB 47.0, depth 37.5 with 118.8 M parameters, 0.6 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/concat_early'
model = dict(backbone=dict(fusion=dict(type='ConcatFusion', stages=('layer2',))))
