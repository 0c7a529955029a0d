"""Average, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/average_shade_texture_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 93.72 / 4.22
    model.generator.fusion.stages="[conv1]"
Middle: 93.91 / 4.27, as it stands
Late: 126.74 / 7.10
    model.generator.fusion.stages="[conv8]"
All-layer: 80.64 / 3.24
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../shade_texture_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/average_shade_texture_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
