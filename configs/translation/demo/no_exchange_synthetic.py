"""The streams of the demo without exchange: nothing passes between image and depth.

python tools/train.py configs/translation/demo/no_exchange_synthetic.py
"""

_base_ = 'cen_synthetic.py'
work_dir = 'work_dirs/translation/demo/no_exchange_synthetic'
model = dict(generator=dict(exchange_threshold=0))
custom_hooks = [
    dict(type='ExchangeStatsHook', interval=50),
    dict(type='FiniteLossHook'),
]
