"""The unimodal network of depth.

python tools/train.py configs/fusion/unimodal_depth.py

Paper's mIoU: 35.8 with 118.1 M parameters, Table 2. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../_base_/fusion/unimodal.py'
model = dict(modalities=('depth',), data_preprocessor=dict(num_channels=3))
train_dataloader = dict(
    dataset=dict(
        modalities=dict(
            _delete_=True,
            depth={{_base_.train_dataloader.dataset.modalities.depth}},
        ),
    ),
)
val_dataloader = dict(
    dataset=dict(
        modalities=dict(
            _delete_=True,
            depth={{_base_.val_dataloader.dataset.modalities.depth}},
        ),
    ),
)
test_dataloader = val_dataloader
