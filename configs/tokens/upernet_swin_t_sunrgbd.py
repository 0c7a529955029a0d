"""UPerNet, Swin-T with token exchange (TokenFusion), SUN RGB-D.

python tools/train.py configs/tokens/upernet_swin_t_sunrgbd.py

The paper has no such network. Needs ImageNet weights
(OpenMMLab) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/tokens_upernet_swin.py',
    '../_base_/datasets/sunrgbd.py',
    '../_base_/schedules/tokens_60e.py',
]
model = dict(
    decode_head=dict(head=dict(num_classes=37)),
    auxiliary_head=dict(head=dict(num_classes=37)),
)
val_evaluator = dict(group_by='camera')
test_evaluator = dict(group_by='camera')
