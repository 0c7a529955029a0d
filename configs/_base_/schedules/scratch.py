# Training from scratch: one learning rate, decayed polynomially, statistics trained.
_base_ = './cen_300e.py'
optim_wrapper = dict(
    optimizer=dict(lr=1e-2, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=50, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-5,
        begin=0,
        end=60,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=60, val_interval=5)
