"""CEN, RGB + shade to normal, NYUDv2 at half resolution, for two cores.

python tools/train.py configs/translation/rgb_shade_to_normal_nyud_half_small.py

Not trained here.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/cen_pix2pix_small.py',
    '_base_/datasets/nyudv2_half_128.py',
    '_base_/schedules/pix2pix_short.py',
]
sources = ('rgb', 'shade')
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(
        num_modalities=len(sources),
        track_running_stats=False,  # scenes differ too much for them
    ),
)
choice = dict(dataset=dict(sources=sources, target='normal'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
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
