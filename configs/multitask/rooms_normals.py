"""The twin of rooms_exchange.py for one task alone: normals.

python tools/train.py configs/multitask/rooms_normals.py
"""

_base_ = './rooms_exchange.py'
model = dict(tasks=('normals',))
val_evaluator = [dict(type='NormalsErrorMetric')]
test_evaluator = val_evaluator
custom_hooks = []
