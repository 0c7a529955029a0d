"""CEN-PSPNet, ResNet-50 of half the width, NYUDv2 at 120x160.

python tools/train.py configs/cen/pspnet_r50half_nyud_quarter.py

From ImageNet weights in the file that the variable HALF_RESNET50 names. Ensemble: 24.8
mIoU, 20.7 without exchange, three seeds (docs/results.md).
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet_r50half.py',
    '../_base_/datasets/nyudv2_quarter.py',
    '../_base_/schedules/pretrained_10e.py',
]
model = dict(data_preprocessor=dict(size=(120, 160)))
