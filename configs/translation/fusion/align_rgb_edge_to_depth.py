"""Alignment, RGB + edge to depth, Taskonomy.

python tools/train.py configs/translation/fusion/align_rgb_edge_to_depth.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.044 / 0.089
    model.generator.fusion.stages="[conv1]"
Middle: 0.039 / 0.082, as it stands
Late: 0.042 / 0.086
    model.generator.fusion.stages="[conv8]"
All-layer: 0.044 / 0.090
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_edge_to_depth.py'
work_dir = 'work_dirs/translation/fusion/align_rgb_edge_to_depth'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
