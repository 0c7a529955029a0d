"""CEN-PSPNet, ResNet-101, ISPRS Potsdam: RGB, near infrared and height.

python tools/train.py configs/cen/pspnet_r101_potsdam.py

Neither the paper nor we have a number for this data set: the config was not trained
here. 60 epochs as for SUN RGB-D. Needs ImageNet weights (torchvision) and a GPU.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/potsdam.py',
    '../_base_/schedules/cen_60e.py',
]
model = dict(
    modalities=('rgb', 'ir', 'dsm'),
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            ir=dict(mean=[127.5], std=[127.5]),  # to [-1, 1]
            # Meters; tools/analysis/dataset_stats.py measures those of your copy.
            dsm=dict(mean=[0.0], std=[10.0]),
        ),
        size=(500, 500),
    ),
    decode_head=dict(head=dict(num_classes=6)),
    auxiliary_head=dict(head=dict(num_classes=6)),
)
