# For small networks on two cores. Adam moves gamma by no more than the learning rate a
# step, and gamma has to fall from 1 to below the threshold: so short a training needs a
# large learning rate and a large weight of the penalty.
_base_ = 'pix2pix_300e.py'
optim_wrapper = dict(generator=dict(optimizer=dict(lr=2e-3)))
param_scheduler = dict(
    type='LinearLR', start_factor=1.0, end_factor=0.05, begin=10, end=20
)
train_cfg = dict(max_epochs=20, val_interval=5)
default_hooks = dict(checkpoint=dict(interval=5, save_best=None))
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=0.3),
    dict(type='ExchangeStatsHook', interval=50),
    dict(type='GammaRecorderHook'),
]
