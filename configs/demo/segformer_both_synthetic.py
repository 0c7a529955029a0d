"""SegFormer on rendered rooms, exchanging tokens and channels.

python tools/train.py configs/demo/segformer_both_synthetic.py
"""

_base_ = './segformer_tokens_synthetic.py'
model = dict(
    backbone=dict(
        layer_norms=True,
        exchange=[
            dict(type='TokenExchange', where='output', threshold=2e-2),
            dict(type='ChannelExchange'),
        ],
    )
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=2e-2),
    dict(type='ExchangeStatsHook', interval=25),
]
