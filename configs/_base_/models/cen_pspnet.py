# CEN-PSPNet (Sec. 4.1), ResNet-101 with output stride 8. Its modalities are RGB and
# depth, unless model.modalities says other names.
model = dict(
    type='CENSegmentor',
    data_preprocessor=dict(
        type='MultimodalPreprocessor',
        modalities=dict(
            rgb=dict(
                mean=[123.675, 116.28, 103.53],
                std=[58.395, 57.12, 57.375],
                bgr_to_rgb=True,
            ),
            depth=dict(mean=[0.0], std=[1.0]),  # meters, as in the released code
        ),
        size=(500, 500),
        seg_pad_val=255,
    ),
    backbone=dict(
        type='CENResNet',
        depth=101,
        exchange_threshold=2e-2,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
        # Statistics stay those of ImageNet; scaling factors and offsets are trained.
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    decode_head=dict(
        type='EnsembleHead',
        head=dict(
            type='PSPHead',
            in_channels=2048,
            in_index=3,
            channels=512,
            pool_scales=(1, 2, 3, 6),
            dropout_ratio=0.1,
            num_classes=40,
            norm_cfg=dict(type='BN'),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    auxiliary_head=dict(
        type='EnsembleHead',
        head=dict(
            type='FCNHead',
            in_channels=1024,
            in_index=2,
            channels=256,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0.1,
            num_classes=40,
            norm_cfg=dict(type='BN'),
            align_corners=False,
            loss_decode=dict(
                type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.4
            ),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
