# CEN-RefineNet (Sec. 4.1, Appendix B), ResNet-101. Its modalities are RGB and depth,
# unless model.modalities says other names.
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
        # Statistics stay those of ImageNet; scaling factors and offsets are trained.
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    decode_head=dict(
        type='EnsembleHead',
        head=dict(
            type='RefineNetHead',
            num_classes=40,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
