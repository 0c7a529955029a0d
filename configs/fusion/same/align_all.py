"""Alignment behind all stages, in the setting of CEN.

python tools/train.py configs/fusion/same/align_all.py

Paper's mIoU: 47.0, RGB 46.6, depth 35.5 with 173.9 M parameters, 55.7 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/align_all'
model = dict(
    backbone=dict(
        fusion=dict(
            type='AlignFusion',
            stages=('layer1', 'layer2', 'layer3', 'layer4'),
        ),
    ),
)
