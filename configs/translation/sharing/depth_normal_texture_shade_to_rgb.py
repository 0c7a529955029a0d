"""No exchange, depth + normal + texture + shade to RGB, Taskonomy.

python tools/train.py configs/translation/sharing/depth_normal_texture_shade_to_rgb.py

Paper's FID / KID, Tables 8 and 9, with --cfg-options:
unshared convs, unshared INs: 89.52 / 3.80
    model.generator.convs=private model.generator.decoder_norms=private
shared convs, shared INs: 102.78 / 4.67
    model.generator.norms=shared
shared convs, unshared INs: 86.76 / 3.63, as it stands
unshared statistics only: 95.56 / 4.64
    model.generator.norms=private_statistics
unshared gamma, beta only: 89.26 / 3.91
    model.generator.norms=private_affine
Convolutions are shared and norms private. Not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = '../depth_normal_texture_shade_to_rgb.py'
work_dir = 'work_dirs/translation/sharing/depth_normal_texture_shade_to_rgb'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = []
