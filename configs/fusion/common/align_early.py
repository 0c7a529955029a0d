"""Alignment behind stage 2 (early), commonly used setting.

python tools/train.py configs/fusion/common/align_early.py

Paper's mIoU: 46.4 with 238.8 M parameters, 2.6 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/two_networks.py'
work_dir = 'work_dirs/fusion/common/align_early'
model = dict(backbone=dict(fusion=dict(type='AlignFusion', stages=('layer2',))))
