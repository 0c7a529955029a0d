"""Concatenation behind stage 4 (late), commonly used setting.

python tools/train.py configs/fusion/common/concat_late.py

Paper's mIoU: 46.3 with 169.0 M parameters, 8.4 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/common.py'
work_dir = 'work_dirs/fusion/common/concat_late'
model = dict(backbone=dict(fusion=dict(type='ConcatFusion', stages=('layer4',))))
