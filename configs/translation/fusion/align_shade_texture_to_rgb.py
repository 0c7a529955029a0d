"""Alignment, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/align_shade_texture_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 99.68 / 4.93
    model.generator.fusion.stages="[conv1]"
Middle: 95.52 / 4.75, as it stands
Late: 98.33 / 4.70
    model.generator.fusion.stages="[conv8]"
All-layer: 92.30 / 4.20
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../shade_texture_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/align_shade_texture_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
