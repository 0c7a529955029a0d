"""Concatenation behind all stages, commonly used setting.

python tools/train.py configs/fusion/common/concat_all.py

Paper's mIoU: 47.5 with 171.7 M parameters, 11.2 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/common.py'
work_dir = 'work_dirs/fusion/common/concat_all'
model = dict(
    backbone=dict(
        fusion=dict(
            type='ConcatFusion',
            stages=('layer1', 'layer2', 'layer3', 'layer4'),
        ),
    ),
)
