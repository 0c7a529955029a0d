"""Pix2pix with depth alone, on the rooms of the demo.

python tools/train.py configs/translation/demo/depth_synthetic.py
"""

_base_ = 'cen_synthetic.py'
sources = ('depth',)
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=1),
)
choice = dict(dataset=dict(sources=sources))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
custom_hooks = [dict(type='FiniteLossHook')]
