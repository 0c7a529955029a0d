"""SegFormer on rendered rooms, exchanging tokens and channels.

python tools/train.py configs/demo/segformer_both_synthetic.py
"""

_base_ = './segformer_channels_synthetic.py'
model = dict(
    backbone=dict(
        exchange=[
            dict(type='TokenExchange', where='output', threshold=2e-2),
            dict(type='ChannelExchange'),
        ],
    )
)
