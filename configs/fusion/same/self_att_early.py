"""Self-attention (SSMA) behind stage 2 (early), in the setting of CEN.

python tools/train.py configs/fusion/same/self_att_early.py

Paper's mIoU: 48.2, RGB 47.7, depth 38.3 with 123.6 M parameters, 5.4 M of them for the
fusion, Table 2. RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights
(torchvision) and a GPU; not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/same.py'
work_dir = 'work_dirs/fusion/same/self_att_early'
model = dict(backbone=dict(fusion=dict(type='SSMAFusion', stages=('layer2',))))
