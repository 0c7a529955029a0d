"""Concatenation behind stage 2 (early), commonly used setting.

python tools/train.py configs/fusion/common/concat_early.py

Paper's mIoU: 47.2 with 120.1 M parameters, 0.6 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/common.py'
work_dir = 'work_dirs/fusion/common/concat_early'
model = dict(backbone=dict(fusion=dict(type='ConcatFusion', stages=('layer2',))))
