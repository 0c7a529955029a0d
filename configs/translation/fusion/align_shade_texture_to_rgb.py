"""Alignment, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/align_shade_texture_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 99.68 / 4.93, middle 95.52 / 4.75,
late 98.33 / 4.70, all 92.30 / 4.20. Not trained here.
"""

_base_ = '../shade_texture_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
