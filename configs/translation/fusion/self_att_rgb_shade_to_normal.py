"""Self-attention (SSMA), RGB + shade to normal, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_rgb_shade_to_normal.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's MAE / MSE, Table 6, its MSE being the root: early 0.130 / 0.282,
middle 0.118 / 0.259, late 0.142 / 0.291, all 0.126 / 0.276. Not trained here.
"""

_base_ = '../rgb_shade_to_normal.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        # No norm: of one image, conv8 is one value in each channel.
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
