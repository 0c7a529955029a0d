"""CEN-RefineNet with the light decoder, ResNet-101, NYUDv2.

python tools/train.py configs/cen/light_refinenet_r101_nyud.py

The paper has no such experiment; the recipe is that of its RefineNet. Needs ImageNet
weights (torchvision) and a GPU; not trained here.
"""

_base_ = 'refinenet_r101_nyud.py'
model = dict(decode_head=dict(head=dict(type='LightRefineNetHead')))
