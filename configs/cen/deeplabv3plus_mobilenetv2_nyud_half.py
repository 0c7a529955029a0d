"""CEN-DeepLabV3+ on MobileNetV2, output stride 8, NYUDv2 at 240x320.

python tools/train.py configs/cen/deeplabv3plus_mobilenetv2_nyud_half.py

From ImageNet weights: downloaded, or from the file that MOBILENET_V2 names.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/nyudv2_half.py',
    '../_base_/schedules/pretrained_40e.py',
]
norm_cfg = dict(type='BN')
model = dict(
    modalities=('rgb', 'depth'),
    data_preprocessor=dict(
        modalities=dict(depth=dict(mean=[2.8], std=[1.4])), size=(250, 250)
    ),
    backbone=dict(
        _delete_=True,
        type='CENBackbone',
        backbone=dict(
            type='MobileNetV2',
            widen_factor=1.0,
            strides=(1, 2, 2, 1, 1, 1, 1),
            dilations=(1, 1, 1, 2, 2, 4, 4),
            out_indices=(1, 2, 4, 6),
            norm_cfg=norm_cfg,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='{{$MOBILENET_V2:mmcls://mobilenet_v2}}',
            ),
        ),
    ),
    decode_head=dict(
        head=dict(
            _delete_=True,
            type='DepthwiseSeparableASPPHead',
            in_channels=320,
            in_index=3,
            channels=256,
            dilations=(1, 12, 24, 36),
            c1_in_channels=24,
            c1_channels=24,
            dropout_ratio=0.1,
            num_classes=40,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    auxiliary_head=None,
)
