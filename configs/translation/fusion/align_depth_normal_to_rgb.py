"""Alignment, depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/align_depth_normal_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 111.65 / 5.53
    model.generator.fusion.stages="[conv1]"
Middle: 108.92 / 5.26, as it stands
Late: 105.85 / 4.98
    model.generator.fusion.stages="[conv8]"
All-layer: 105.03 / 4.91
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../depth_normal_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/align_depth_normal_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
