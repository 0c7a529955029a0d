"""CEN, depth + normal to RGB, NYUDv2 at half resolution, for two cores.

python tools/train.py configs/translation/depth_normal_to_rgb_nyud_half_small.py

MAE of depth, normal and ensemble after 1 epoch 0.435, 0.424, 0.425; after 8 epochs
0.414 each, in 6 minutes on one core (docs/translation.md).
"""

_base_ = '_base_/nyudv2_half_small.py'
sources = ('depth', 'normal')
model = dict(
    sources=sources,
    gan_weight=0.1,  # colors are a guess; more would trade MAE for vividness
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=len(sources)),
)
choice = dict(dataset=dict(sources=sources, target='rgb'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
