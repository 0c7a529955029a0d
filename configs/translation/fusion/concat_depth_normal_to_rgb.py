"""Concatenation, depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/concat_depth_normal_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 105.17 / 5.15
    model.generator.fusion.stages="[conv1]"
Middle: 100.29 / 3.37, as it stands
Late: 116.51 / 5.74
    model.generator.fusion.stages="[conv8]"
All-layer: 99.08 / 4.28
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../depth_normal_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/concat_depth_normal_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='ConcatFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
