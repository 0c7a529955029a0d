"""Concatenation, RGB + normal to shade, Taskonomy.

python tools/train.py configs/translation/fusion/concat_rgb_normal_to_shade.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.156 / 0.245
    model.generator.fusion.stages="[conv1]"
Middle: 0.138 / 0.212, as it stands
Late: 0.126 / 0.192
    model.generator.fusion.stages="[conv8]"
All-layer: 0.128 / 0.202
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_normal_to_shade.py'
work_dir = 'work_dirs/translation/fusion/concat_rgb_normal_to_shade'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='ConcatFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
