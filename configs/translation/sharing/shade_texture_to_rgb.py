"""No exchange, shade + texture to RGB, Taskonomy.

python tools/train.py configs/translation/sharing/shade_texture_to_rgb.py

Paper's FID / KID, Table 8, with --cfg-options:
unshared convs, unshared INs: 92.72 / 4.15
    model.generator.convs=private model.generator.decoder_norms=private
shared convs, shared INs: 96.31 / 4.36
    model.generator.norms=shared
shared convs, unshared INs: 87.91 / 3.73, as it stands
Convolutions are shared and norms private. Not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = '../shade_texture_to_rgb.py'
work_dir = 'work_dirs/translation/sharing/shade_texture_to_rgb'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = []
