"""Alignment behind stage 3 (middle), commonly used setting.

python tools/train.py configs/fusion/common/align_middle.py

Paper's mIoU: 47.9 with 246.7 M parameters, 10.5 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/two_networks.py'
work_dir = 'work_dirs/fusion/common/align_middle'
model = dict(backbone=dict(fusion=dict(type='AlignFusion', stages=('layer3',))))
