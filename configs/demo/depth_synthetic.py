"""The unimodal twin of cen_synthetic.py: one modality, depth.

python tools/train.py configs/demo/depth_synthetic.py
"""

_base_ = './cen_synthetic.py'
model = dict(modalities=('depth',), data_preprocessor=dict(num_channels=3))
train_dataloader = dict(dataset=dict(modalities=('depth',)))
val_dataloader = dict(dataset=dict(modalities=('depth',)))
test_dataloader = val_dataloader
custom_hooks = []
