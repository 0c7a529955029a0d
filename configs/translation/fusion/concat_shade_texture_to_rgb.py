"""Concatenation, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/concat_shade_texture_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 87.46 / 3.64
    model.generator.fusion.stages="[conv1]"
Middle: 95.16 / 4.67, as it stands
Late: 122.47 / 6.56
    model.generator.fusion.stages="[conv8]"
All-layer: 78.82 / 3.13
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../shade_texture_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/concat_shade_texture_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='ConcatFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
