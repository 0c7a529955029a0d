"""The twin of rooms_exchange.py whose streams share convolutions, and nothing else.

python tools/train.py configs/multitask/rooms_no_exchange.py
"""

_base_ = './rooms_exchange.py'
model = dict(backbone=dict(exchange_threshold=0))
custom_hooks = []
