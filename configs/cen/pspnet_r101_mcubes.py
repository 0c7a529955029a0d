"""CEN-PSPNet, ResNet-101, MCubeS: RGB, polarization (AoLP, DoLP), NIR; 20 materials.

python tools/train.py configs/cen/pspnet_r101_mcubes.py

Neither the paper nor we have a number for this data set: the config was not trained
here. Needs ImageNet weights (torchvision) and a GPU.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/mcubes.py',
    '../_base_/schedules/cen_300e.py',
]
model = dict(
    modalities=('rgb', 'aolp', 'dolp', 'nir'),
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            # Sine and cosine; the third channel of the stream is the sine again.
            aolp=dict(mean=[0.0, 0.0], std=[1.0, 1.0]),
            dolp=dict(mean=[0.5], std=[0.5]),
            nir=dict(mean=[0.5], std=[0.5]),
        ),
        num_channels=3,
        size=(512, 512),
    ),
    decode_head=dict(head=dict(num_classes=20)),
    auxiliary_head=dict(head=dict(num_classes=20)),
)
