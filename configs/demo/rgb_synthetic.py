"""The unimodal twin of cen_synthetic.py: one modality, rgb.

python tools/train.py configs/demo/rgb_synthetic.py
"""

_base_ = './cen_synthetic.py'
modalities = ('rgb',)
model = dict(
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True, rgb={{_base_.model.data_preprocessor.modalities.rgb}}
        )
    ),
    backbone=dict(num_modalities=1),
    decode_head=dict(modalities=modalities),
)
train_dataloader = dict(dataset=dict(modalities=dict(rgb=dict())))
val_dataloader = dict(dataset=dict(modalities=dict(rgb=dict())))
test_dataloader = val_dataloader
custom_hooks = []
