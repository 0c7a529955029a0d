"""The unimodal twin of cen_synthetic.py: one modality, rgb.

python tools/train.py configs/demo/rgb_synthetic.py
"""

_base_ = './cen_synthetic.py'
model = dict(modalities=('rgb',))
train_dataloader = dict(dataset=dict(modalities=('rgb',)))
val_dataloader = dict(dataset=dict(modalities=('rgb',)))
test_dataloader = val_dataloader
custom_hooks = []
