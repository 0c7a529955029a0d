"""CEN-PSPNet, ResNet-101, DeLiVER, of RGB and depth only.

python tools/train.py configs/cen/pspnet_r101_rgbd_deliver.py

As pspnet_r101_deliver.py, which has all four modalities; not trained here.
"""

_base_ = './pspnet_r101_deliver.py'
modalities = ('rgb', 'depth')
dataset = dict(
    modalities=dict(
        _delete_=True,
        rgb=dict(interpolation='bicubic'),
        depth=dict(channels=3, dtype='uint8'),  # HHA
    )
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
model = dict(
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            depth=dict(mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
        )
    ),
    backbone=dict(num_modalities=len(modalities)),
    decode_head=dict(modalities=modalities),
    auxiliary_head=dict(modalities=modalities),
)
