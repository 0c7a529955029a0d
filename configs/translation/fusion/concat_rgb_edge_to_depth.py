"""Concatenation, RGB + edge to depth, Taskonomy.

python tools/train.py configs/translation/fusion/concat_rgb_edge_to_depth.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.034 / 0.075
    model.generator.fusion.stages="[conv1]"
Middle: 0.032 / 0.074, as it stands
Late: 0.038 / 0.079
    model.generator.fusion.stages="[conv8]"
All-layer: 0.033 / 0.075
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_edge_to_depth.py'
work_dir = 'work_dirs/translation/fusion/concat_rgb_edge_to_depth'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='ConcatFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
