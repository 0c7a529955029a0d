"""CEN, shade + texture + depth to RGB, Taskonomy.

python tools/train.py configs/translation/shade_texture_depth_to_rgb.py

Paper's FID / KID: 58.35 / 1.42, Table 8. Not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/cen_pix2pix.py',
    '_base_/datasets/taskonomy.py',
    '_base_/schedules/pix2pix_300e.py',
]
sources = ('shade', 'texture', 'depth')
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=3),
)
choice = dict(dataset=dict(sources=sources, target='rgb'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
