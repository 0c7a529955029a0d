# Mask2Former on the network of cen_maskformer.py: sizes and losses of mmseg's
# mask2former_r50 configs. Needs mmdet.
_base_ = './cen_maskformer.py'
position = dict(num_feats=128, normalize=True)
no_dropout = dict(attn_drop=0.0, proj_drop=0.0)
model = dict(
    decode_head=dict(
        head=dict(
            type='Mask2FormerHead',
            strides=[4, 8, 16, 32],
            num_transformer_feat_level=3,
            align_corners=False,
            pixel_decoder=dict(
                type='mmdet.MSDeformAttnPixelDecoder',
                num_outs=3,
                encoder=dict(
                    num_layers=6,
                    layer_cfg=dict(
                        self_attn_cfg=dict(
                            embed_dims=256,
                            num_heads=8,
                            num_levels=3,
                            num_points=4,
                            dropout=0.0,
                            batch_first=True,
                        ),
                        ffn_cfg=dict(
                            embed_dims=256,
                            feedforward_channels=1024,
                            num_fcs=2,
                            ffn_drop=0.0,
                            act_cfg=dict(type='ReLU', inplace=True),
                        ),
                    ),
                ),
                positional_encoding=position,
            ),
            transformer_decoder=dict(
                num_layers=9,
                layer_cfg=dict(
                    self_attn_cfg=no_dropout,
                    cross_attn_cfg=no_dropout,
                    ffn_cfg=dict(ffn_drop=0.0),
                ),
            ),
            loss_cls=dict(loss_weight=2.0),
            loss_mask=dict(
                _delete_=True,
                type='mmdet.CrossEntropyLoss',
                use_sigmoid=True,
                loss_weight=5.0,
            ),
            loss_dice=dict(loss_weight=5.0),
            train_cfg=dict(
                num_points=12544,
                oversample_ratio=3.0,
                importance_sample_ratio=0.75,
                assigner=dict(
                    match_costs=[
                        dict(type='mmdet.ClassificationCost', weight=2.0),
                        dict(
                            type='mmdet.CrossEntropyLossCost',
                            weight=5.0,
                            use_sigmoid=True,
                        ),
                        dict(type='mmdet.DiceCost', weight=5.0, pred_act=True, eps=1.0),
                    ],
                ),
            ),
        ),
    ),
)
