"""CEN-PSPNet, ResNet-152, NYUDv2.

python tools/train.py configs/cen/pspnet_r152_nyud.py

Paper's mIoU: 52.5 (multi-scale), Table 3. Needs ImageNet weights (torchvision) and a
GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/cen_450e.py',
]
model = dict(
    backbone=dict(
        depth=152,
        init_cfg=dict(checkpoint='torchvision://resnet152'),
    ),
)
