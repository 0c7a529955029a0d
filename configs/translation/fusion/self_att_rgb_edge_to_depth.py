"""Self-attention (SSMA), RGB + edge to depth, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_rgb_edge_to_depth.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.030 / 0.071
    model.generator.fusion.stages="[conv1]"
Middle: 0.033 / 0.073, as it stands
Late: 0.034 / 0.075
    model.generator.fusion.stages="[conv8]"
All-layer: 0.030 / 0.070
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
No norm in the fusion: of one image, conv8 is one value in each channel. Not trained
here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_edge_to_depth.py'
work_dir = 'work_dirs/translation/fusion/self_att_rgb_edge_to_depth'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
