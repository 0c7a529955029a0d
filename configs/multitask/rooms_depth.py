"""The twin of rooms_exchange.py for one task alone: depth.

python tools/train.py configs/multitask/rooms_depth.py
"""

_base_ = './rooms_exchange.py'
model = dict(tasks=('depth',))
val_evaluator = [dict(type='DepthErrorMetric')]
test_evaluator = val_evaluator
custom_hooks = []
