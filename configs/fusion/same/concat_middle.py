"""Concatenation behind stage 3 (middle), in the setting of CEN.

python tools/train.py configs/fusion/same/concat_middle.py

Paper's mIoU: 47.4, RGB 46.6, depth 37.0 with 120.3 M parameters, 2.1 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/concat_middle'
model = dict(backbone=dict(fusion=dict(type='ConcatFusion', stages=('layer3',))))
