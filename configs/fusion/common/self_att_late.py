"""Self-attention (SSMA) behind stage 4 (late), commonly used setting.

python tools/train.py configs/fusion/common/self_att_late.py

Paper's mIoU: 47.5 with 245.5 M parameters, 84.9 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/common.py'
work_dir = 'work_dirs/fusion/common/self_att_late'
model = dict(backbone=dict(fusion=dict(type='SSMAFusion', stages=('layer4',))))
