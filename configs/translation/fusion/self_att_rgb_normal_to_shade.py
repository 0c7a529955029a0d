"""Self-attention (SSMA), RGB + normal to shade, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_rgb_normal_to_shade.py

Paper's MAE / root of MSE, Table 6, with --cfg-options:
Early: 0.121 / 0.183
    model.generator.fusion.stages="[conv1]"
Middle: 0.115 / 0.173, as it stands
Late: 0.145 / 0.228
    model.generator.fusion.stages="[conv8]"
All-layer: 0.118 / 0.176
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
No norm in the fusion: of one image, conv8 is one value in each channel. Not trained
here. Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_normal_to_shade.py'
work_dir = 'work_dirs/translation/fusion/self_att_rgb_normal_to_shade'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
