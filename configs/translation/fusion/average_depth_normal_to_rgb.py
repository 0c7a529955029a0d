"""Average, depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/average_depth_normal_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 109.25 / 5.50
    model.generator.fusion.stages="[conv1]"
Middle: 104.95 / 4.98, as it stands
Late: 122.42 / 6.76
    model.generator.fusion.stages="[conv8]"
All-layer: 99.63 / 4.41
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../depth_normal_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/average_depth_normal_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
