"""The unimodal twin of cen_synthetic.py: one modality, depth.

python tools/train.py configs/demo/depth_synthetic.py
"""

_base_ = './cen_synthetic.py'
modalities = ('depth',)
model = dict(
    data_preprocessor=dict(
        num_channels=3,
        modalities=dict(
            _delete_=True, depth={{_base_.model.data_preprocessor.modalities.depth}}
        ),
    ),
    backbone=dict(num_modalities=1),
    decode_head=dict(modalities=modalities),
)
train_dataloader = dict(dataset=dict(modalities=dict(depth=dict())))
val_dataloader = dict(dataset=dict(modalities=dict(depth=dict())))
test_dataloader = val_dataloader
custom_hooks = []
