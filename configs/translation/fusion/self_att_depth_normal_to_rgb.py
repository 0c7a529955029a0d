"""Self-attention (SSMA), depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_depth_normal_to_rgb.py

Paper's FID / KID, Table 4, with --cfg-options:
Early: 100.70 / 4.47
    model.generator.fusion.stages="[conv1]"
Middle: 98.63 / 4.35, as it stands
Late: 108.02 / 5.09
    model.generator.fusion.stages="[conv8]"
All-layer: 96.73 / 3.95
    model.generator.fusion.stages="[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]"
No norm in the fusion: of one image, conv8 is one value in each channel. Not trained
here. Written by tools/paper/write_configs.py.
"""

_base_ = '../depth_normal_to_rgb.py'
work_dir = 'work_dirs/translation/fusion/self_att_depth_normal_to_rgb'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    ),
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
