"""Conditional batch norm behind all stages, unshared convolutions.

python tools/train.py configs/fusion/common/cbn_all.py

Paper's mIoU: 48.3, Sec. 4.1, additional ablations. The paper does not say behind which
layers. `modulated=1` is depth, conditional on RGB. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../../_base_/fusion/two_networks.py'
work_dir = 'work_dirs/fusion/common/cbn_all'
model = dict(
    backbone=dict(
        fusion=dict(
            type='CBNFusion',
            modulated=1,
            stages=('layer1', 'layer2', 'layer3', 'layer4'),
        ),
    ),
)
