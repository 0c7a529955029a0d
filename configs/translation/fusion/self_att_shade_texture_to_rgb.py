"""Self-attention (SSMA), shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_shade_texture_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 83.60 / 3.38, middle 90.79 / 3.92,
late 105.62 / 5.42, all 73.87 / 2.46. Not trained here.
"""

_base_ = '../shade_texture_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        # No norm: of one image, conv8 is one value in each channel.
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
