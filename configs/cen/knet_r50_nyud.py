"""CEN-K-Net, ResNet-50, NYUDv2.

python tools/train.py configs/cen/knet_r50_nyud.py

The paper has no such network. Needs ImageNet weights (torchvision)
and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_knet.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/masks_300e.py',
]
optim_wrapper = dict(clip_grad=dict(max_norm=1))
