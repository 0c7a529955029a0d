# RefineNet with the light decoder on ResNet-50 of half the width, in Caffe's
# layout, with ImageNet weights from a file. Depth is normalized, as images are.
_base_ = './cen_refinenet.py'
model = dict(
    data_preprocessor=dict(modalities=dict(depth=dict(mean=[2.8], std=[1.4]))),
    backbone=dict(
        depth=50,
        base_channels=32,
        stem_channels=64,
        style='caffe',
        norm_eval=False,
        init_cfg=dict(checkpoint='{{$HALF_RESNET50:data/weights/half_resnet50.pth}}'),
    ),
    decode_head=dict(
        head=dict(
            type='LightRefineNetHead',
            in_channels=(128, 256, 512, 1024),
            channels=128,
            norm_cfg=dict(type='BN'),  # learns faster; RefineNet has no norms
        ),
    ),
)
