"""The twin of segformer_tokens_synthetic.py without exchange.

python tools/train.py configs/demo/segformer_none_synthetic.py
"""

_base_ = './segformer_tokens_synthetic.py'
model = dict(backbone=dict(exchange=None, exchange_threshold=0))
custom_hooks = []
