"""The twin of solid_synthetic.py that teaches rgb and depth alone what both tell.

python tools/train.py configs/demo/subset_distillation_solid_synthetic.py

Then, for the IoU with both modalities and with either alone:

python tools/test.py configs/demo/subset_distillation_solid_synthetic.py CHECKPOINT --subsets

Not trained here.
"""  # noqa: E501

_base_ = './solid_synthetic.py'
model = dict(subset_distillation=dict(weight=1.0, temperature=2.0))
