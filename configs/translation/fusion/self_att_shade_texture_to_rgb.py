"""Self-attention (SSMA), shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_shade_texture_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 83.60 / 3.38
    model.generator.fusion.stages="[conv1]"
Middle: 90.79 / 3.92, as it stands
Late: 105.62 / 5.42
    model.generator.fusion.stages="[conv8]"
All-layer: 73.87 / 2.46
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
No norm in the fusion: of one image, conv8 is one value in each channel. Not trained
here. Written by tools/paper/write_configs.py.
"""

_base_ = '../shade_texture_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/self_att_shade_texture_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
