"""CEN-PSPNet, ResNet-101, NYUDv2.

python tools/train.py configs/cen/pspnet_r101_nyud.py

Paper's mIoU: none for NYUDv2 (the paper uses this network on Cityscapes, Fig. 7).
Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/cen_300e.py',
]
