# nyudv2_half.py for networks of seven layers: images of 128 pixels.
_base_ = 'nyudv2_half.py'
load = [  # as in nyudv2_half.py
    dict(type='LoadDomains'),
    dict(type='DeriveDomains', camera='nyudv2', smoothing=3.0, reach=2),
    dict(type='CenterCrop', crop_size=(304, 228)),
]
train_pipeline = [
    *load,
    dict(type='Resize', scale=(191, 143), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(128, 128)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackTranslationInputs'),
]
test_pipeline = [
    *load,
    dict(type='Resize', scale=(171, 128), keep_ratio=True),
    dict(type='CenterCrop', crop_size=(128, 128)),
    dict(type='PackTranslationInputs'),
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=4, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
