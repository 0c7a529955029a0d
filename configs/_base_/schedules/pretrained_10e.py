# A short training from ImageNet weights with one learning rate, decayed polynomially;
# statistics are trained, as those of photographs do not fit other modalities. Lambda is
# chosen such that a share of the own parts is exchanged.
_base_ = './scratch.py'
max_epochs = 10
optim_wrapper = dict(
    optimizer=dict(lr=0.02, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.5))),
)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_epochs
train_cfg = dict(max_epochs=max_epochs)
default_hooks = dict(checkpoint=dict(interval=1))
custom_hooks = [
    dict(type='GammaSparsityHook', target_share=0.25, mode='proximal'),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
