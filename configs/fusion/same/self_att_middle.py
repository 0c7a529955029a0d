"""Self-attention (SSMA) behind stage 3 (middle), in the setting of CEN.

python tools/train.py configs/fusion/same/self_att_middle.py

Paper's mIoU: 48.7, RGB 48.0, depth 38.1 with 139.4 M parameters, 21.2 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/self_att_middle'
model = dict(backbone=dict(fusion=dict(type='SSMAFusion', stages=('layer3',))))
