"""Average, RGB + normal to shade, Taskonomy.

python tools/train.py configs/translation/fusion/average_rgb_normal_to_shade.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.146 / 0.229
    model.generator.fusion.stages="[conv1]"
Middle: 0.128 / 0.204, as it stands
Late: 0.151 / 0.239
    model.generator.fusion.stages="[conv8]"
All-layer: 0.123 / 0.186
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_normal_to_shade.py'
work_dir = 'work_dirs/translation/fusion/average_rgb_normal_to_shade'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
