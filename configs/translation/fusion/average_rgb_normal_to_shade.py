"""Average, RGB + normal to shade, Taskonomy.

python tools/train.py configs/translation/fusion/average_rgb_normal_to_shade.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's MAE / MSE, Table 6, its MSE being the root: early 0.146 / 0.229,
middle 0.128 / 0.204, late 0.151 / 0.239, all 0.123 / 0.186. Not trained here.
"""

_base_ = '../rgb_normal_to_shade.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
