"""CEN-PSPNet, ResNet-101, KITTI-360: images, and depth of the laser scanner.

python tools/train.py configs/cen/pspnet_r101_kitti360.py

Neither the paper nor we have a number for this data set: the config was not trained
here. 6 epochs, about as many images as 60 of SUN RGB-D. Needs ImageNet weights
(torchvision) and a GPU.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/kitti360.py',
    '../_base_/schedules/cen_300e.py',
]
model = dict(
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            # Meters, to the range that NYUDv2 has; 0 where there is no point.
            depth=dict(mean=[0.0], std=[10.0]),
        ),
        size=(376, 768),
    ),
    decode_head=dict(head=dict(num_classes=19)),
    auxiliary_head=dict(head=dict(num_classes=19)),
)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[2, 4], gamma=0.5, by_epoch=True)
]
train_cfg = dict(max_epochs=6, val_interval=2)
default_hooks = dict(checkpoint=dict(interval=2))
