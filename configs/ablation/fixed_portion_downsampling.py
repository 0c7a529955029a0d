"""30 % of the channels, at the down-sampling stages only.

python tools/train.py configs/ablation/fixed_portion_downsampling.py

Paper's mIoU: 48.6, Sec. 4.1, additional ablations. RefineNet, ResNet-101, NYUDv2,
single-scale. Needs ImageNet weights (torchvision) and a GPU; not trained here. Written
by tools/paper/write_configs.py.
"""

_base_ = '../cen/refinenet_r101_nyud.py'
model = dict(
    backbone=dict(
        exchange=dict(type='FixedPortionExchange', portion=0.3),
        pattern='layer[234]\\.0\\.',
    ),
)
custom_hooks = [dict(type='ExchangeStatsHook'), dict(type='GammaRecorderHook')]
