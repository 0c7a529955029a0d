"""SegFormer on rendered rooms, whose streams exchange tokens (TokenFusion).

python tools/train.py configs/demo/segformer_tokens_synthetic.py

MiT of a quarter of the width of B1, from scratch.
"""

_base_ = './cen_synthetic.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='CENBackbone',
        exchange=dict(type='TokenExchange', where='output', threshold=2e-2),
        backbone=dict(
            type='MixVisionTransformer',
            embed_dims=16,
            num_layers=[1, 1, 2, 1],
            num_heads=[1, 2, 4, 8],
            sr_ratios=[4, 2, 1, 1],
        ),
    ),
    decode_head=dict(
        head=dict(
            _delete_=True,
            type='LinearSegformerHead',
            in_channels=[16, 32, 64, 128],
            in_index=[0, 1, 2, 3],
            channels=64,
            dropout_ratio=0,
            num_classes=13,
            norm_cfg=dict(type='BN'),
            align_corners=False,
        ),
    ),
)

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=8e-3, weight_decay=0.01),
)
custom_hooks = [dict(type='ExchangeStatsHook', interval=25)]
