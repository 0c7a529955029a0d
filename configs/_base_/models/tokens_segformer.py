# SegFormer-B2 whose streams exchange tokens, as in the released code of TokenFusion.
# Its modalities are RGB and depth, unless model.modalities says other names.
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
        type='CENBackbone',
        exchange=dict(type='TokenExchange', where='output', threshold=2e-2),
        backbone=dict(
            type='MixVisionTransformer',
            embed_dims=64,
            num_layers=[3, 4, 6, 3],
            num_heads=[1, 2, 5, 8],
            drop_path_rate=0.1,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/'
                'pretrain/segformer/mit_b2_20220624-66e8bf70.pth',
            ),
        ),
    ),
    decode_head=dict(
        type='EnsembleHead',
        head=dict(
            type='LinearSegformerHead',
            in_channels=[64, 128, 320, 512],
            in_index=[0, 1, 2, 3],
            channels=256,
            dropout_ratio=0.1,
            num_classes=40,
            norm_cfg=dict(type='BN'),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
