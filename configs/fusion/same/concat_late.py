"""Concatenation behind stage 4 (late), in the setting of CEN.

python tools/train.py configs/fusion/same/concat_late.py

Paper's mIoU: 46.9, RGB 46.3, depth 37.2 with 126.6 M parameters, 8.4 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/concat_late'
model = dict(backbone=dict(fusion=dict(type='ConcatFusion', stages=('layer4',))))
