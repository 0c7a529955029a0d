"""No exchange, shade + texture + depth to RGB, Taskonomy.

python tools/train.py configs/translation/sharing/shade_texture_depth_to_rgb.py

Shared convolutions and private norms; paper's FID / KID, Tables 8 and 9: 84.39 / 3.45;
with --cfg-options:
    91.30 / 3.92 model.generator.convs=private
    100.41 / 4.73 model.generator.norms=shared
    96.30 / 4.41 model.generator.norms=private_statistics
    92.25 / 4.02 model.generator.norms=private_affine
Not trained here.
"""

_base_ = '../shade_texture_depth_to_rgb.py'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = [dict(type='FiniteLossHook')]
