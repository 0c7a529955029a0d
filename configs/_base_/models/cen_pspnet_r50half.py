# PSPNet with output stride 16, which costs a core 0.4 of stride 8, on ResNet-50 of half
# the width, in Caffe's layout, with ImageNet weights from a file. Depth is normalized,
# as images are.
_base_ = './cen_pspnet.py'
model = dict(
    data_preprocessor=dict(modalities=dict(depth=dict(mean=[2.8], std=[1.4]))),
    backbone=dict(
        depth=50,
        base_channels=32,
        stem_channels=64,
        style='caffe',
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        norm_eval=False,
        init_cfg=dict(checkpoint='{{$HALF_RESNET50:data/weights/half_resnet50.pth}}'),
    ),
    decode_head=dict(head=dict(in_channels=1024, channels=128)),
    auxiliary_head=None,
)
