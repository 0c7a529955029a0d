"""Self-attention (SSMA), depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_depth_normal_to_rgb.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's FID / KID, Table 4: early 100.70 / 4.47, middle 98.63 / 4.35,
late 108.02 / 5.09, all 96.73 / 3.95. Not trained here.
"""

_base_ = '../depth_normal_to_rgb.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        # No norm: of one image, conv8 is one value in each channel.
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
