"""CEN-PSPNet, ResNet-101, DeLiVER: RGB, depth, events, LiDAR; mIoU of every condition.

python tools/train.py configs/cen/pspnet_r101_deliver.py

Neither the paper nor we have a number for this data set: the config was not trained
here. 60 epochs as for SUN RGB-D, which has about as many images. Needs ImageNet weights
(torchvision) and a GPU.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/deliver.py',
    '../_base_/schedules/cen_300e.py',
]
imagenet = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
other = dict(mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True)  # to [-1, 1]
model = dict(
    modalities=('rgb', 'depth', 'event', 'lidar'),
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True, rgb=imagenet, depth=other, event=other, lidar=other
        ),
        size=(512, 512),
    ),
    decode_head=dict(head=dict(num_classes=25)),
    auxiliary_head=dict(head=dict(num_classes=25)),
)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[20, 40], gamma=0.5, by_epoch=True)
]
train_cfg = dict(max_epochs=60)
val_evaluator = dict(group_by=('condition', 'case'))
test_evaluator = dict(group_by=('condition', 'case'))
