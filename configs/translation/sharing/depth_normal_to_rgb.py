"""No exchange, depth + normal to RGB, Taskonomy.

python tools/train.py configs/translation/sharing/depth_normal_to_rgb.py

The paper has no such row. Convolutions are shared and norms private. Not trained here.
Written by tools/paper/write_configs.py.
"""

_base_ = '../depth_normal_to_rgb.py'
work_dir = 'work_dirs/translation/sharing/depth_normal_to_rgb'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = []
