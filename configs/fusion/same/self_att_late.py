"""Self-attention (SSMA) behind stage 4 (late), in the setting of CEN.

python tools/train.py configs/fusion/same/self_att_late.py

Paper's mIoU: 48.3, RGB 47.6, depth 38.1 with 203.2 M parameters, 84.9 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/self_att_late'
model = dict(backbone=dict(fusion=dict(type='SSMAFusion', stages=('layer4',))))
