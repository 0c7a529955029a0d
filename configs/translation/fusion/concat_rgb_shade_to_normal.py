"""Concatenation, RGB + shade to normal, Taskonomy.

python tools/train.py configs/translation/fusion/concat_rgb_shade_to_normal.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.133 / 0.283
    model.generator.fusion.stages="[conv1]"
Middle: 0.122 / 0.265, as it stands
Late: 0.139 / 0.288
    model.generator.fusion.stages="[conv8]"
All-layer: 0.134 / 0.285
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_shade_to_normal.py'
work_dir = 'work_dirs/translation/fusion/concat_rgb_shade_to_normal'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='ConcatFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
