"""Self-attention (SSMA) behind stage 3 (middle), commonly used setting.

python tools/train.py configs/fusion/common/self_att_middle.py

Paper's mIoU: 48.3 with 166.9 M parameters, 21.2 M of them for the fusion, Table 2.
RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights (torchvision) and a
GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/common.py'
work_dir = 'work_dirs/fusion/common/self_att_middle'
model = dict(backbone=dict(fusion=dict(type='SSMAFusion', stages=('layer3',))))
