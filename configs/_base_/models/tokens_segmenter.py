# Segmenter with a mask transformer on ViT-S/16 whose streams exchange tokens; the class
# token stays.
_base_ = './tokens_segformer.py'
model = dict(
    data_preprocessor=dict(size=(512, 512)),
    backbone=dict(
        backbone=dict(
            _delete_=True,
            type='VisionTransformer',
            img_size=(512, 512),
            patch_size=16,
            embed_dims=384,
            num_layers=12,
            num_heads=6,
            drop_path_rate=0.1,
            final_norm=True,
            interpolate_mode='bicubic',
            norm_cfg=dict(type='LN', eps=1e-6),
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/'
                'pretrain/segmenter/vit_small_p16_384_20220308-410f6037.pth',
            ),
        )
    ),
    decode_head=dict(
        head=dict(
            _delete_=True,
            type='SegmenterMaskTransformerHead',
            in_channels=384,
            channels=384,
            num_classes=40,
            num_layers=2,
            num_heads=6,
            embed_dims=384,
            dropout_ratio=0.0,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        )
    ),
)
