"""SegFormer on rendered rooms, exchanging channels by the gamma of LayerNorms.

python tools/train.py configs/demo/segformer_channels_synthetic.py
"""

_base_ = './segformer_tokens_synthetic.py'
model = dict(backbone=dict(exchange=None, layer_norms=True))
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=2e-2),
    dict(type='ExchangeStatsHook', interval=25),
]
