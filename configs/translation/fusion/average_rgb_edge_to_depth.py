"""Average, RGB + edge to depth, Taskonomy.

python tools/train.py configs/translation/fusion/average_rgb_edge_to_depth.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.036 / 0.078
    model.generator.fusion.stages="[conv1]"
Middle: 0.034 / 0.076, as it stands
Late: 0.036 / 0.077
    model.generator.fusion.stages="[conv8]"
All-layer: 0.033 / 0.074
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_edge_to_depth.py'
work_dir = 'work_dirs/translation/fusion/average_rgb_edge_to_depth'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
