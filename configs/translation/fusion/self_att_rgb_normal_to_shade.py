"""Self-attention (SSMA), RGB + normal to shade, Taskonomy.

python tools/train.py configs/translation/fusion/self_att_rgb_normal_to_shade.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's MAE / MSE, Table 6, its MSE being the root: early 0.121 / 0.183,
middle 0.115 / 0.173, late 0.145 / 0.228, all 0.118 / 0.176. Not trained here.
"""

_base_ = '../rgb_normal_to_shade.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        # No norm: of one image, conv8 is one value in each channel.
        fusion=dict(type='SSMAFusion', stages=('conv4',), merges=True, norm=False),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
