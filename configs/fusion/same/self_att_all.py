"""Self-attention (SSMA) behind all stages, in the setting of CEN.

python tools/train.py configs/fusion/same/self_att_all.py

Paper's mIoU: 49.1, RGB 48.5, depth 37.7 with 231.0 M parameters, 112.8 M of them for
the fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/self_att_all'
model = dict(
    backbone=dict(
        fusion=dict(type='SSMAFusion', stages=('layer1', 'layer2', 'layer3', 'layer4')),
    ),
)
