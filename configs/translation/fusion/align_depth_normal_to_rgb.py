"""Alignment, depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/align_depth_normal_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 111.65 / 5.53, middle 108.92 / 5.26,
late 105.85 / 4.98, all 105.03 / 4.91. Not trained here.
"""

_base_ = '../depth_normal_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
