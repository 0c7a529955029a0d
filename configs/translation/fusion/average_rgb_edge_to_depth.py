"""Average, RGB + edge to depth, Taskonomy.

python tools/train.py configs/translation/fusion/average_rgb_edge_to_depth.py

Fused at layer 4 of 8 (middle). For the others, add to the command
--cfg-options model.generator.fusion.stages="[conv1]" (early), "[conv8]" (late) or
"[conv1,conv2,conv3,conv4,conv5,conv6,conv7,conv8]" (all).
Paper's MAE / MSE, Table 6, its MSE being the root: early 0.036 / 0.078,
middle 0.034 / 0.076, late 0.036 / 0.077, all 0.033 / 0.074. Not trained here.
"""

_base_ = '../rgb_edge_to_depth.py'
model = dict(
    generator=dict(
        convs='private',
        exchange_threshold=None,
        fusion=dict(type='AverageFusion', stages=('conv4',), merges=True),
    )
)
custom_hooks = [dict(type='FiniteLossHook')]  # nothing is exchanged
