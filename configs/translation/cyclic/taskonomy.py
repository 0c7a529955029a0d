"""Each of RGB, depth, normal, shade and texture of Taskonomy from the others.

python tools/train.py configs/translation/cyclic/taskonomy.py

Not trained here.
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/cen_pix2pix.py',
    '../_base_/datasets/taskonomy.py',
    '../_base_/schedules/pix2pix_300e.py',
]
work_dir = 'work_dirs/translation/cyclic/taskonomy'
domains = ('rgb', 'depth', 'normal', 'shade', 'texture')
model = dict(
    type='CyclicPix2Pix',
    sources=domains,
    generator=dict(
        _delete_=True,
        type='CyclicUNet',
        num_downs=8,
        base_channels=64,
        dropout=0.5,
        exchange_threshold=1e-2,
    ),
)
load = [dict(type='LoadDomains'), dict(type='MarkKnownPixels')]
train_pipeline = [
    *load,
    dict(type='Resize', scale=(286, 286)),
    dict(type='RandomCrop', crop_size=(256, 256)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackCyclicInputs'),
]
test_pipeline = [
    *load,
    dict(type='Resize', scale=(256, 256)),
    dict(type='PackCyclicInputs'),
]
# A data set names its last domain `target`; all are sources and targets in turn.
dataset = dict(sources=domains[:-1], target=domains[-1])
train_dataloader = dict(dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='CyclicTranslationMetric')
test_evaluator = val_evaluator
default_hooks = dict(visualization=dict(type='CyclicVisualizationHook'))
