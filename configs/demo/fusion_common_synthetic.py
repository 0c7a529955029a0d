"""Concatenation as commonly used: two encoders, one decoder of the merged streams.

python tools/train.py configs/demo/fusion_common_synthetic.py

Other fusions that merge, behind other stages: as in fusion_same_synthetic.py.
"""

_base_ = './fusion_same_synthetic.py'
model = dict(
    modalities=('rgb', 'depth'),
    backbone=dict(convs='private', fusion=dict(merges=True)),
)
