# A short training from ImageNet weights with one learning rate, decayed polynomially;
# statistics are trained, as those of photographs do not fit other modalities. Lambda is
# chosen such that a share of the own parts is exchanged.
_base_ = './cen_300e.py'
max_epochs = 10
optim_wrapper = dict(
    optimizer=dict(lr=0.02, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.5))),
)
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
train_cfg = dict(max_epochs=max_epochs)
default_hooks = dict(checkpoint=dict(interval=1))
custom_hooks = [
    dict(type='GammaSparsityHook', target_share=0.5, mode='proximal'),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
