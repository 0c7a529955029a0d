"""Self-attention (SSMA), RGB + shade to normal, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_rgb_shade_to_normal.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.130 / 0.282
    model.generator.fusion.stages="[conv1]"
Middle: 0.118 / 0.259, as it stands
Late: 0.142 / 0.291
    model.generator.fusion.stages="[conv8]"
All-layer: 0.126 / 0.276
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
No norm in the fusion: of one image, conv8 is one value in each channel. Not trained
here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_shade_to_normal.py'
work_dir = 'work_dirs/translation/fusion/self_att_rgb_shade_to_normal'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
