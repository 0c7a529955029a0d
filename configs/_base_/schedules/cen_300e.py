# Sec. 4.1: encoder 5e-4, decoder 3e-3, halved every 100 of 300 epochs.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=3e-3, momentum=0.9, weight_decay=1e-5),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=5e-4 / 3e-3))),
)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[100, 200], gamma=0.5, by_epoch=True)
]
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=300, val_interval=5)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', interval=5, max_keep_ckpts=2, save_best='mIoU'
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    random_state=dict(type='ResumableRandomnessHook'),
    finite=dict(type='FiniteLossHook'),
    visualization=dict(type='MultimodalVisualizationHook'),
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=5e-3),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
randomness = dict(seed=42)
