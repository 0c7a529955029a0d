"""The twin of cen_synthetic.py that teaches rgb and depth alone what both tell.

python tools/train.py configs/demo/subset_distillation_synthetic.py

Then, for the IoU with both modalities and with either alone:

python tools/test.py configs/demo/subset_distillation_synthetic.py CHECKPOINT --subsets

mIoU with both 73.5, with rgb 44.5, with depth 35.7: docs/missing_modality.md compares
them with those of modality_dropout_synthetic.py.
"""

_base_ = './cen_synthetic.py'
model = dict(subset_distillation=dict(weight=1.0, temperature=2.0))
