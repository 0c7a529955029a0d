"""No exchange, RGB + edge to depth, Taskonomy.

python tools/train.py configs/translation/sharing/rgb_edge_to_depth.py

The paper has no such row. Convolutions are shared and norms private. Not trained here.
Written by tools/paper/write_configs.py.
"""

_base_ = '../rgb_edge_to_depth.py'
work_dir = 'work_dirs/translation/sharing/rgb_edge_to_depth'
model = dict(generator=dict(exchange_threshold=None))
custom_hooks = []
