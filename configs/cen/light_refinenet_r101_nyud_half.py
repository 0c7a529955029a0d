"""CEN-RefineNet with the light decoder, ResNet-101, NYUDv2 at half resolution.

python tools/train.py configs/cen/light_refinenet_r101_nyud_half.py

The recipe of the paper's RefineNet with halved sizes; the paper has no such experiment.
Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = 'refinenet_r101_nyud_half.py'
model = dict(decode_head=dict(head=dict(type='LightRefineNetHead')))
