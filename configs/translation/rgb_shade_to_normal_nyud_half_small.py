"""CEN, RGB + shade to normal, NYUDv2 at half resolution, for two cores.

python tools/train.py configs/translation/rgb_shade_to_normal_nyud_half_small.py

Not trained here.
"""

_base_ = '_base_/nyudv2_half_small.py'
sources = ('rgb', 'shade')
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=len(sources)),
)
choice = dict(dataset=dict(sources=sources, target='normal'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
