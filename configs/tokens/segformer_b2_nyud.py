"""SegFormer-B2 with token exchange (TokenFusion), NYUDv2.

python tools/train.py configs/tokens/segformer_b2_nyud.py

Paper's mIoU: 53.3, of one or of several scales (not known here). Needs ImageNet
weights (OpenMMLab) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/tokens_segformer.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/tokens_300e.py',
]
