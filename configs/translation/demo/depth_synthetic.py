"""Pix2pix with depth alone, on the rooms of the demo.

python tools/train.py configs/translation/demo/depth_synthetic.py
"""

_base_ = 'cen_synthetic.py'
work_dir = 'work_dirs/translation/demo/depth_synthetic'
sources = ('depth',)
model = dict(sources=sources)
choice = dict(dataset=dict(sources=sources))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
custom_hooks = [dict(type='FiniteLossHook')]
