"""CEN-PSPNet, ResNet-152, SUN RGB-D: mIoU overall and of each camera.

python tools/train.py configs/cen/pspnet_r152_sunrgbd.py

Paper's mIoU: 51.1 (multi-scale), Table 3. Needs ImageNet weights
(torchvision) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/sunrgbd.py',
    '../_base_/schedules/cen_60e.py',
]
model = dict(
    backbone=dict(
        depth=152,
        init_cfg=dict(checkpoint='torchvision://resnet152'),
    ),
    decode_head=dict(head=dict(num_classes=37)),
    auxiliary_head=dict(head=dict(num_classes=37)),
)
val_evaluator = dict(group_by='camera')
test_evaluator = dict(group_by='camera')
