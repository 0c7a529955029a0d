"""CEN-MaskFormer, ResNet-50, NYUDv2.

python tools/train.py configs/cen/maskformer_r50_nyud.py

The paper has no such network. Needs mmdet (pip install 'mmseg-cen[mmdet]'), ImageNet
weights (torchvision) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_maskformer.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/masks_300e.py',
]
