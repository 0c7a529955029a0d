"""Alignment behind stage 2 (early), in the setting of CEN.

python tools/train.py configs/fusion/same/align_early.py

Paper's mIoU: 46.7, RGB 46.3, depth 35.8 with 120.8 M parameters, 2.6 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/align_early'
model = dict(backbone=dict(fusion=dict(type='AlignFusion', stages=('layer2',))))
