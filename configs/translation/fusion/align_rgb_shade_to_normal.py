"""Alignment, RGB + shade to normal, Taskonomy.

python tools/train.py configs/translation/fusion/align_rgb_shade_to_normal.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.145 / 0.311
    model.generator.fusion.stages="[conv1]"
Middle: 0.139 / 0.293, as it stands
Late: 0.128 / 0.276
    model.generator.fusion.stages="[conv8]"
All-layer: 0.152 / 0.325
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_shade_to_normal.py'
work_dir = 'work_dirs/translation/fusion/align_rgb_shade_to_normal'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
