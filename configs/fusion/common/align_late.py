"""Alignment behind stage 4 (late), commonly used setting.

python tools/train.py configs/fusion/common/align_late.py

Paper's mIoU: 47.6 with 278.1 M parameters, 41.9 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/two_networks.py'
work_dir = 'work_dirs/fusion/common/align_late'
model = dict(backbone=dict(fusion=dict(type='AlignFusion', stages=('layer4',))))
