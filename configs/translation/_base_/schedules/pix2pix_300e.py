# As in the released code: Adam, batches of one image, a constant learning rate.
# For a linear decay of both learning rates, as in pix2pix, to 0 behind the last epoch:
#     param_scheduler = dict(
#         type='LinearLR', start_factor=1.0, end_factor=0.0, begin=150, end=301)
optim_wrapper = dict(
    constructor='OptimWrapperDictConstructor',
    generator=dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))
    ),
    discriminator=dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))
    ),
)
# For several processes: each network is wrapped on its own.
model_wrapper_cfg = dict(type='SeparateDistributedDataParallel')
train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=300, val_interval=10)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook',
        interval=10,
        max_keep_ckpts=2,
        save_best='MAE',
        rule='less',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    random_state=dict(type='ResumableRandomnessHook'),
    finite=dict(type='FiniteLossHook'),
    visualization=dict(type='TranslationVisualizationHook'),
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=1e-3),
    dict(type='ExchangeStatsHook'),
    dict(type='GammaRecorderHook'),
]
randomness = dict(seed=42)
