"""CEN-RefineNet, ResNet-101, SUN RGB-D: mIoU overall and of each camera.

python tools/train.py configs/cen/refinenet_r101_sunrgbd.py

Paper's mIoU: 49.6 (single scale), 50.2 (multi-scale), Table 3. Needs ImageNet weights
(torchvision) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_refinenet.py',
    '../_base_/datasets/sunrgbd.py',
    '../_base_/schedules/cen_60e.py',
]
model = dict(
    decode_head=dict(head=dict(num_classes=37)),
)
val_evaluator = dict(group_by='camera')
test_evaluator = dict(group_by='camera')
