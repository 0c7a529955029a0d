"""Table 1: penalty and exchange in the own part, which is CEN.

python tools/train.py configs/ablation/exchange_half.py

Paper's mIoU: 51.1, RGB 49.7, depth 45.1, Tables 1 and 7 (RefineNet, ResNet-101, NYUDv2,
single-scale). Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
