# UPerNet on DINOv3 ViT-S/16 of timm, whose streams exchange tokens. The transformer
# stays as it was trained, but for products of rank 8 and norms of each modality.
_base_ = './tokens_upernet_swin.py'
model = dict(
    data_preprocessor=dict(size=(512, 512), test_cfg=dict(size_divisor=16)),
    backbone=dict(
        lora=dict(rank=8),
        backbone=dict(
            _delete_=True,
            type='TIMMBackbone',
            model_name='vit_small_patch16_dinov3.lvd1689m',
            pretrained=True,
            features_only=True,
            out_indices=(2, 5, 8, 11),
            dynamic_img_size=True,
        ),
    ),
    neck=dict(
        type='Feature2Pyramid',
        embed_dim=384,
        rescales=[4, 2, 1, 0.5],
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(head=dict(in_channels=[384, 384, 384, 384])),
)
