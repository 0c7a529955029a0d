"""Concatenation, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/concat_shade_texture_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 87.46 / 3.64, middle 95.16 / 4.67,
late 122.47 / 6.56, all 78.82 / 3.13. Not trained here.
"""

_base_ = '../shade_texture_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='ConcatFusion', stages=('conv4',), merges=True),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
