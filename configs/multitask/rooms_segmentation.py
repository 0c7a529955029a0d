"""The twin of rooms_exchange.py for one task alone: segmentation.

python tools/train.py configs/multitask/rooms_segmentation.py
"""

_base_ = './rooms_exchange.py'
model = dict(tasks=('segmentation',))
val_evaluator = [dict(type='StreamIoUMetric', iou_metrics=['mIoU'])]
test_evaluator = val_evaluator
custom_hooks = []
