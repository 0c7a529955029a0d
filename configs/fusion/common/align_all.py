"""Alignment behind all stages, commonly used setting.

python tools/train.py configs/fusion/common/align_all.py

Paper's mIoU: 46.8 with 291.9 M parameters, 55.7 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/two_networks.py'
work_dir = 'work_dirs/fusion/common/align_all'
model = dict(
    backbone=dict(
        fusion=dict(
            type='AlignFusion',
            stages=('layer1', 'layer2', 'layer3', 'layer4'),
        ),
    ),
)
