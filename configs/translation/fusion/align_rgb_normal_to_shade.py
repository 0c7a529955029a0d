"""Alignment, RGB + normal to shade, Taskonomy.

python tools/train.py configs/translation/fusion/align_rgb_normal_to_shade.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's MAE / MSE, Table 6, its MSE being the root: early 0.139 / 0.226,
middle 0.132 / 0.216, late 0.127 / 0.204, all 0.141 / 0.221. Not trained here.
"""

_base_ = '../rgb_normal_to_shade.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AlignFusion', stages=('conv4',)),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
