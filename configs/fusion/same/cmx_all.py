"""Rectification of CMX behind all stages, in the setting of CEN.

python tools/train.py configs/fusion/same/cmx_all.py

The paper has no such row. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet
weights (torchvision) and a GPU; not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/cmx_all'
model = dict(
    backbone=dict(
        fusion=dict(type='CMXFusion', stages=('layer1', 'layer2', 'layer3', 'layer4')),
    ),
)
