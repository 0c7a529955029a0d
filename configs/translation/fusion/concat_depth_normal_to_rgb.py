"""Concatenation, depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/concat_depth_normal_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 105.17 / 5.15, middle 100.29 / 3.37,
late 116.51 / 5.74, all 99.08 / 4.28. Not trained here.
"""

_base_ = '../depth_normal_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='ConcatFusion', stages=('conv4',), merges=True),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
