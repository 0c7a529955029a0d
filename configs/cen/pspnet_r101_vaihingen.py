"""CEN-PSPNet, ResNet-101, ISPRS Vaihingen: near infrared, red, green; and height.

python tools/train.py configs/cen/pspnet_r101_vaihingen.py

Neither the paper nor we have a number for this data set: the config was not trained
here. Needs ImageNet weights (torchvision) and a GPU.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/vaihingen.py',
    '../_base_/schedules/cen_300e.py',
]
model = dict(
    modalities=('irrg', 'dsm'),
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            irrg=dict(
                mean=[123.675, 116.28, 103.53],
                std=[58.395, 57.12, 57.375],
                bgr_to_rgb=True,
            ),
            # Meters; tools/analysis/dataset_stats.py measures those of your copy.
            dsm=dict(mean=[0.0], std=[10.0]),
        ),
        size=(512, 512),
    ),
    decode_head=dict(head=dict(num_classes=6)),
    auxiliary_head=dict(head=dict(num_classes=6)),
)
