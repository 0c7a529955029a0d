"""SegFormer-B2 with token exchange (TokenFusion), SUN RGB-D.

python tools/train.py configs/tokens/segformer_b2_sunrgbd.py

Paper's mIoU: 50.3. Needs ImageNet weights
(OpenMMLab) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/tokens_segformer.py',
    '../_base_/datasets/sunrgbd.py',
    '../_base_/schedules/tokens_60e.py',
]
model = dict(
    decode_head=dict(head=dict(num_classes=37)),
)
val_evaluator = dict(group_by='camera')
test_evaluator = dict(group_by='camera')
