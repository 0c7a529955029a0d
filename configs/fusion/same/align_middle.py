"""Alignment behind stage 3 (middle), in the setting of CEN.

python tools/train.py configs/fusion/same/align_middle.py

Paper's mIoU: 48.1, RGB 47.7, depth 36.0 with 128.7 M parameters, 10.5 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/align_middle'
model = dict(backbone=dict(fusion=dict(type='AlignFusion', stages=('layer3',))))
