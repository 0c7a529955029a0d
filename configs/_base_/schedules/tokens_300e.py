# The released segmentation code of TokenFusion: AdamW; the decoder has ten times the
# learning rate of the encoder, whose norms do not decay; 6e-5, 3e-5 and 1.5e-5 in three
# stages of 100 epochs, batches of 6. There, each stage begins with a warm-up of 1500
# iterations, and lowers the rate linearly by a third; here, only the first one has a
# warm-up. There, the batch norm of the decoder keeps the statistics 0 and 1; here, it
# has those of the data.
_base_ = './cen_300e.py'
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        custom_keys=dict(
            norm=dict(decay_mult=0),
            decode_head=dict(lr_mult=10, decay_mult=1),
            neck=dict(lr_mult=10),
        )
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, end=1500, by_epoch=False),
    dict(type='MultiStepLR', milestones=[100, 200], gamma=0.5, by_epoch=True),
]
# The exchange has a loss of its own, with weight 1: 1e-6 times the sum of the scores is
# 0.8 times their mean in SegFormer-B2 at 500 x 500 pixels.
custom_hooks = [dict(type='ExchangeStatsHook')]
