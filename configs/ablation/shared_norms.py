"""Shared convolutions, shared norms, penalty: none, no exchange.

python tools/train.py configs/ablation/shared_norms.py

Paper's mIoU: 45.2, RGB 43.7, depth 35.5, Tables 1 and 7. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(
    backbone=dict(exchange_threshold=0, norms='shared'),
    decode_head=dict(norms='shared'),
)
custom_hooks = []
