"""CEN, depth + normal + texture + shade to RGB, Taskonomy.

python tools/train.py configs/translation/depth_normal_texture_shade_to_rgb.py

Paper's FID / KID: 57.19 / 1.33, Tables 5 and 8. Not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/cen_pix2pix.py',
    '_base_/datasets/taskonomy.py',
    '_base_/schedules/pix2pix_300e.py',
]
sources = ('depth', 'normal', 'texture', 'shade')
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=4),
)
choice = dict(dataset=dict(sources=sources, target='rgb'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
