"""No exchange, depth + normal + texture + shade to RGB, Taskonomy.

python tools/train.py configs/translation/sharing/depth_normal_texture_shade_to_rgb.py

Shared convolutions and private norms; paper's FID / KID, Tables 8 and 9: 86.76 / 3.63;
with --cfg-options:
    89.52 / 3.80 model.generator.convs=private
    102.78 / 4.67 model.generator.norms=shared
    95.56 / 4.64 model.generator.norms=private_statistics
    89.26 / 3.91 model.generator.norms=private_affine
Not trained here.
"""

_base_ = '../depth_normal_texture_shade_to_rgb.py'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = [dict(type='FiniteLossHook')]
