"""CEN-PSPNet, ResNet-101, Cityscapes: images and depth of the stereo camera.

python tools/train.py configs/cen/pspnet_r101_cityscapes.py

The paper shows pictures of this network (Fig. 7) and gives neither mIoU nor recipe:
that of SUN RGB-D is used. Needs ImageNet weights (torchvision) and GPUs; not trained
here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/cityscapes_rgbd.py',
    '../_base_/schedules/cen_60e.py',
]
model = dict(
    data_preprocessor=dict(
        size=(768, 768),
        # Ten times the depth of rooms, to the range that NYUDv2 has in meters.
        modalities=dict(depth=dict(mean=[0.0], std=[10.0])),
    ),
    decode_head=dict(head=dict(num_classes=19)),
    auxiliary_head=dict(head=dict(num_classes=19)),
)
