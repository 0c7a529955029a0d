# UPerNet on Swin-T whose streams exchange tokens.
_base_ = './tokens_segformer.py'
model = dict(
    backbone=dict(
        backbone=dict(
            _delete_=True,
            type='SwinTransformer',
            embed_dims=96,
            depths=[2, 2, 6, 2],
            num_heads=[3, 6, 12, 24],
            drop_path_rate=0.3,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/'
                'pretrain/swin/swin_tiny_patch4_window7_224_20220317-1cdeb081.pth',
            ),
        )
    ),
    decode_head=dict(
        head=dict(
            type='UPerHead',
            in_channels=[96, 192, 384, 768],
            pool_scales=(1, 2, 3, 6),
            channels=512,
        )
    ),
    auxiliary_head=dict(
        type='EnsembleHead',
        head=dict(
            type='FCNHead',
            in_channels=384,
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
)
