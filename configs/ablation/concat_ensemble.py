"""A concat-fusion block instead of the weights of the ensemble.

python tools/train.py configs/ablation/concat_ensemble.py

Paper's mIoU: 50.8, Sec. 4.1, additional ablations. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(decode_head=dict(ensemble='concat'))
