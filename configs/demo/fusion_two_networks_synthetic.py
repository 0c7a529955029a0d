"""Alignment as commonly used: a network for each modality, aligned behind stage 3.

python tools/train.py configs/demo/fusion_two_networks_synthetic.py

Other stages: as in fusion_same_synthetic.py. CBNFusion, too, merges nothing.
"""

_base_ = './fusion_same_synthetic.py'
model = dict(
    backbone=dict(convs='private', fusion=dict(type='AlignFusion', stages=('layer3',))),
    decode_head=dict(convs='private'),
)
