"""No exchange, shade + texture + depth to RGB, Taskonomy.

python tools/train.py configs/translation/sharing/shade_texture_depth_to_rgb.py

Paper's FID / KID, Tables 8 and 9, with --cfg-options:
unshared convs, unshared INs: 91.30 / 3.92
    model.generator.convs=private model.generator.decoder_norms=private
shared convs, shared INs: 100.41 / 4.73
    model.generator.norms=shared
shared convs, unshared INs: 84.39 / 3.45, as it stands
unshared statistics only: 96.30 / 4.41
    model.generator.norms=private_statistics
unshared gamma, beta only: 92.25 / 4.02
    model.generator.norms=private_affine
Convolutions are shared and norms private. Not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = '../shade_texture_depth_to_rgb.py'
work_dir = 'work_dirs/translation/sharing/shade_texture_depth_to_rgb'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = []
