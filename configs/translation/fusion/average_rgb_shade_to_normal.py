"""Average, RGB + shade to normal, Taskonomy.

python tools/train.py configs/translation/fusion/average_rgb_shade_to_normal.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's MAE / MSE, Table 6, its MSE being the root: early 0.142 / 0.305,
middle 0.126 / 0.270, late 0.140 / 0.290, all 0.128 / 0.283. Not trained here.
"""

_base_ = '../rgb_shade_to_normal.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
