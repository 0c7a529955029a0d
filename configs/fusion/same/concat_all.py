"""Concatenation behind all stages, in the setting of CEN.

python tools/train.py configs/fusion/same/concat_all.py

Paper's mIoU: 48.3, RGB 47.8, depth 36.9 with 129.4 M parameters, 11.2 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/concat_all'
model = dict(
    backbone=dict(
        fusion=dict(
            type='ConcatFusion',
            stages=('layer1', 'layer2', 'layer3', 'layer4'),
        ),
    ),
)
