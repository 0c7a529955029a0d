"""The unimodal network of RGB.

python tools/train.py configs/fusion/unimodal_rgb.py

Paper's mIoU: 45.5 with 118.1 M parameters, Table 2. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../_base_/fusion/unimodal.py'
modalities = ('rgb',)
model = dict(
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True,
            rgb={{_base_.model.data_preprocessor.modalities.rgb}},
        ),
    ),
    decode_head=dict(modalities=modalities),
)
train_dataloader = dict(
    dataset=dict(
        modalities=dict(
            _delete_=True,
            rgb={{_base_.train_dataloader.dataset.modalities.rgb}},
        ),
        data_prefix=dict(_delete_=True, rgb='rgb', seg_map_path='label'),
    ),
)
val_dataloader = dict(
    dataset=dict(
        modalities=dict(
            _delete_=True,
            rgb={{_base_.val_dataloader.dataset.modalities.rgb}},
        ),
        data_prefix=dict(_delete_=True, rgb='rgb', seg_map_path='label'),
    ),
)
test_dataloader = val_dataloader
