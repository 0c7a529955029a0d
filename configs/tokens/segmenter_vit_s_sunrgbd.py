"""Segmenter, ViT-S/16 with token exchange (TokenFusion), SUN RGB-D.

python tools/train.py configs/tokens/segmenter_vit_s_sunrgbd.py

The paper has no such network. Needs ImageNet weights
(OpenMMLab) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/tokens_segmenter.py',
    '../_base_/datasets/sunrgbd.py',
    '../_base_/schedules/tokens_60e.py',
]
model = dict(
    decode_head=dict(head=dict(num_classes=37)),
)
val_evaluator = dict(group_by='camera')
test_evaluator = dict(group_by='camera')
