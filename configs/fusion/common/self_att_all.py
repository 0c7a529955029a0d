"""Self-attention (SSMA) behind all stages, commonly used setting.

python tools/train.py configs/fusion/common/self_att_all.py

Paper's mIoU: 48.7 with 272.3 M parameters, 112.8 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/common.py'
work_dir = 'work_dirs/fusion/common/self_att_all'
model = dict(
    backbone=dict(
        fusion=dict(type='SSMAFusion', stages=('layer1', 'layer2', 'layer3', 'layer4')),
    ),
)
