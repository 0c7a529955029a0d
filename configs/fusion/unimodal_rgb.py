"""The unimodal network of RGB.

python tools/train.py configs/fusion/unimodal_rgb.py

Paper's mIoU: 45.5 with 118.1 M parameters, Table 2. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../_base_/fusion/unimodal.py'
model = dict(modalities=('rgb',))
train_dataloader = dict(
    dataset=dict(
        modalities=dict(
            _delete_=True,
            rgb={{_base_.train_dataloader.dataset.modalities.rgb}},
        ),
    ),
)
val_dataloader = dict(
    dataset=dict(
        modalities=dict(
            _delete_=True,
            rgb={{_base_.val_dataloader.dataset.modalities.rgb}},
        ),
    ),
)
test_dataloader = val_dataloader
