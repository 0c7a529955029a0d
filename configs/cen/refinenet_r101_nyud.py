"""CEN-RefineNet, ResNet-101, NYUDv2.

python tools/train.py configs/cen/refinenet_r101_nyud.py

Paper's mIoU: 51.1 (single-scale; 51.7 multi-scale), RGB 49.7, depth 45.1, Tables 1
and 3. Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_refinenet.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/cen_300e.py',
]
