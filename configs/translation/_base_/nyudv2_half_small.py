# NYUDv2 at half resolution, images of 128 pixels, for two cores: all but sources and
# target, which a config chooses as in datasets/nyudv2_half_128.py.
_base_ = [
    'runtime.py',
    'models/cen_pix2pix_small.py',
    'datasets/nyudv2_half_128.py',
    'schedules/pix2pix_short.py',
]
# Scenes differ too much for running statistics.
model = dict(generator=dict(track_running_stats=False))
test_evaluator = [dict(type='TranslationMetric')]
train_cfg = dict(max_epochs=8, val_interval=1)
param_scheduler = dict(begin=2, end=8)
default_hooks = dict(checkpoint=dict(interval=1))
optim_wrapper = dict(  # gamma moves faster than the rest, see pix2pix_short.py
    generator=dict(
        optimizer=dict(lr=1e-3),
        paramwise_cfg=dict(custom_keys={'norm': dict(lr_mult=2)}),
    )
)
