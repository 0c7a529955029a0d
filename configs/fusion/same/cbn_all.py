"""Conditional batch norm behind all stages, shared convolutions.

python tools/train.py configs/fusion/same/cbn_all.py

Paper's mIoU: 48.9, Sec. 4.1 and Table 3 (RefineNet, ResNet-101, NYUDv2); it does not
say behind which layers. Needs ImageNet weights (torchvision) and a GPU; not trained
here.
"""

_base_ = '../../_base_/fusion/same.py'
model = dict(
    backbone=dict(
        fusion=dict(
            type='CBNFusion',
            modulated=1,  # depth, conditional on RGB
            stages=('layer1', 'layer2', 'layer3', 'layer4'),
        )
    )
)
