"""CEN-PSPNet, ResNet-18 of half the width, from scratch, NYUDv2 at 120x160, on a CPU.

python tools/train.py configs/cen/pspnet_r18_nyud_half.py

Measured here: 17.5 mIoU, 54.8 % pixel accuracy (RGB, depth and ensemble alike).
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/nyudv2_quarter.py',
    '../_base_/schedules/scratch.py',
]
model = dict(
    data_preprocessor=dict(
        modalities=dict(depth=dict(mean=[2.8], std=[1.4])), size=(120, 160)
    ),
    backbone=dict(
        depth=18,
        base_channels=32,
        stem_channels=32,
        norm_eval=False,
        init_cfg=None,
    ),
    decode_head=dict(head=dict(in_channels=256, channels=64, dropout_ratio=0)),
    auxiliary_head=None,
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=1e-2),
    dict(type='ExchangeStatsHook'),
]
max_epochs = 12
optim_wrapper = dict(optimizer=dict(lr=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=50, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-5,
        begin=0,
        end=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=3)
default_hooks = dict(checkpoint=dict(interval=3))
