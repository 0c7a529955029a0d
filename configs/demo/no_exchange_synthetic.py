"""The twin of cen_synthetic.py without exchange and without the penalty for it.

python tools/train.py configs/demo/no_exchange_synthetic.py
"""

_base_ = './cen_synthetic.py'
model = dict(backbone=dict(exchange_threshold=0))
custom_hooks = []
