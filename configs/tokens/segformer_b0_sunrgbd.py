"""SegFormer-B0 with token exchange (TokenFusion), SUN RGB-D.

python tools/train.py configs/tokens/segformer_b0_sunrgbd.py

The paper has no such network. Needs ImageNet weights
(OpenMMLab) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/tokens_segformer.py',
    '../_base_/datasets/sunrgbd.py',
    '../_base_/schedules/tokens_60e.py',
]
model = dict(
    backbone=dict(
        backbone=dict(
            embed_dims=32,
            num_layers=[2, 2, 2, 2],
            init_cfg=dict(
                checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/'
                'pretrain/segformer/mit_b0_20220624-7e0fe6dd.pth'
            ),
        )
    ),
    decode_head=dict(head=dict(in_channels=[32, 64, 160, 256], num_classes=37)),
)
val_evaluator = dict(group_by='camera')
test_evaluator = dict(group_by='camera')
