"""Each of RGB, depth, normal and shade of rooms from the others, by one generator.

python tools/train.py configs/translation/cyclic/rooms.py

Not trained here.
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/cen_pix2pix_small.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/pix2pix_short.py',
]
work_dir = 'work_dirs/translation/cyclic/rooms'
domains = ('rgb', 'depth', 'normal', 'shade')
model = dict(
    type='CyclicPix2Pix',
    sources=domains,
    generator=dict(
        _delete_=True,
        type='CyclicUNet',
        num_downs=6,
        base_channels=16,
        dropout=0,
        exchange_threshold=1e-2,
    ),
)
load = dict(type='LoadSyntheticDomains')
pack = dict(type='PackCyclicInputs')
# A data set names its last domain `target`; all are sources and targets in turn.
dataset = dict(sources=domains[:-1], target=domains[-1], image_size=(64, 64))
train_dataloader = dict(
    dataset=dict(**dataset, pipeline=[load, dict(type='RandomFlip', prob=0.5), pack])
)
val_dataloader = dict(dataset=dict(**dataset, pipeline=[load, pack]))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='CyclicTranslationMetric')
test_evaluator = val_evaluator
default_hooks = dict(visualization=dict(type='CyclicVisualizationHook'))
