"""Average, depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/average_depth_normal_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 109.25 / 5.50, middle 104.95 / 4.98,
late 122.42 / 6.76, all 99.63 / 4.41. Not trained here.
"""

_base_ = '../depth_normal_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
