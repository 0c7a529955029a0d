"""Alignment, RGB + shade to normal, Taskonomy.

python tools/train.py configs/translation/fusion/align_rgb_shade_to_normal.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's MAE / MSE, Table 6, its MSE being the root: early 0.145 / 0.311,
middle 0.139 / 0.293, late 0.128 / 0.276, all 0.152 / 0.325. Not trained here.
"""

_base_ = '../rgb_shade_to_normal.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
