"""Average, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/average_shade_texture_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 93.72 / 4.22, middle 93.91 / 4.27,
late 126.74 / 7.10, all 80.64 / 3.24. Not trained here.
"""

_base_ = '../shade_texture_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
