"""No exchange, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/sharing/shade_texture_to_rgb.py

Shared convolutions and private norms; paper's FID / KID, Table 8: 87.91 / 3.73;
with --cfg-options:
    92.72 / 4.15 model.generator.convs=private
    96.31 / 4.36 model.generator.norms=shared
Not trained here.
"""

_base_ = '../shade_texture_to_rgb.py'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = [dict(type='FiniteLossHook')]
