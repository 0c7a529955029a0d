# MaskFormer on a ResNet-50 of output stride 32: sizes and losses of mmseg's
# maskformer_r50-d32 configs. Needs mmdet.
_base_ = './cen_pspnet.py'
num_classes = 40
attention = dict(
    embed_dims=256,
    num_heads=8,
    attn_drop=0.1,
    proj_drop=0.1,
    dropout_layer=None,
    batch_first=True,
)
model = dict(
    backbone=dict(
        depth=50,
        strides=(1, 2, 2, 2),
        dilations=(1, 1, 1, 1),
        contract_dilation=False,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    decode_head=dict(
        head=dict(
            _delete_=True,
            type='MaskFormerHead',
            in_channels=[256, 512, 1024, 2048],
            feat_channels=256,
            out_channels=256,
            num_classes=num_classes,
            num_queries=100,
            pixel_decoder=dict(
                type='mmdet.PixelDecoder',
                norm_cfg=dict(type='GN', num_groups=32),
                act_cfg=dict(type='ReLU'),
            ),
            enforce_decoder_input_project=False,
            positional_encoding=dict(num_feats=128, normalize=True),
            transformer_decoder=dict(
                return_intermediate=True,
                num_layers=6,
                layer_cfg=dict(
                    self_attn_cfg=attention,
                    cross_attn_cfg=attention,
                    ffn_cfg=dict(
                        embed_dims=256,
                        feedforward_channels=2048,
                        num_fcs=2,
                        act_cfg=dict(type='ReLU', inplace=True),
                        ffn_drop=0.1,
                        dropout_layer=None,
                        add_identity=True,
                    ),
                ),
            ),
            loss_cls=dict(
                type='mmdet.CrossEntropyLoss',
                use_sigmoid=False,
                class_weight=[1.0] * num_classes + [0.1],
            ),
            loss_mask=dict(
                type='mmdet.FocalLoss',
                use_sigmoid=True,
                gamma=2.0,
                alpha=0.25,
                loss_weight=20.0,
            ),
            loss_dice=dict(
                type='mmdet.DiceLoss',
                use_sigmoid=True,
                activate=True,
                naive_dice=True,
                eps=1.0,
            ),
            train_cfg=dict(
                assigner=dict(
                    type='mmdet.HungarianAssigner',
                    match_costs=[
                        dict(type='mmdet.ClassificationCost', weight=1.0),
                        dict(
                            type='mmdet.FocalLossCost', weight=20.0, binary_input=True
                        ),
                        dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, eps=1.0),
                    ],
                ),
                sampler=dict(type='mmdet.MaskPseudoSampler'),
            ),
        ),
    ),
    auxiliary_head=None,
)
