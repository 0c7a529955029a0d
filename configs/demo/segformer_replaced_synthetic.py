"""The twin of segformer_tokens_synthetic.py that replaces all tokens, theta > 1.

python tools/train.py configs/demo/segformer_replaced_synthetic.py
"""

_base_ = './segformer_tokens_synthetic.py'
model = dict(backbone=dict(exchange=dict(threshold=1.01)))
