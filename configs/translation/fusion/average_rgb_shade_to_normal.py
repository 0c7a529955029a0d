"""Average, RGB + shade to normal, Taskonomy.

python tools/train.py configs/translation/fusion/average_rgb_shade_to_normal.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.142 / 0.305
    model.generator.fusion.stages="[conv1]"
Middle: 0.126 / 0.270, as it stands
Late: 0.140 / 0.290
    model.generator.fusion.stages="[conv8]"
All-layer: 0.128 / 0.283
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_shade_to_normal.py'
work_dir = 'work_dirs/translation/fusion/average_rgb_shade_to_normal'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
