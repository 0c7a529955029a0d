"""CEN, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/shade_texture_to_rgb.py

Paper's FID / KID: 62.63 / 1.65, Tables 4 and 8. Not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/cen_pix2pix.py',
    '_base_/datasets/taskonomy.py',
    '_base_/schedules/pix2pix_300e.py',
]
sources = ('shade', 'texture')
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=2),
)
choice = dict(dataset=dict(sources=sources, target='rgb'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
