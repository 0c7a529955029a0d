"""Conditional batch norm behind all stages, unshared convolutions.

python tools/train.py configs/fusion/common/cbn_all.py

Paper's mIoU: 48.3, Sec. 4.1 (RefineNet, ResNet-101, NYUDv2); it does not say behind
which layers. Needs ImageNet weights (torchvision) and a GPU; not trained here.
"""

_base_ = '../../_base_/fusion/two_networks.py'
model = dict(
    backbone=dict(
        fusion=dict(
            type='CBNFusion',
            modulated=1,  # depth, conditional on RGB
            stages=('layer1', 'layer2', 'layer3', 'layer4'),
        )
    )
)
