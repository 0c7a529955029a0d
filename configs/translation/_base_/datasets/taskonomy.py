# Taskonomy: 1000 images for training and 500 for validation, as in Sec. 4.2, in the
# domains rgb, depth, normal, shade, texture, edge and curvature. A config chooses:
#     choice = dict(dataset=dict(sources=('shade', 'texture'), target='rgb'))
#     train_dataloader = choice
#     val_dataloader = choice
#     test_dataloader = choice
data_root = '{{$TASKONOMY:data/taskonomy}}'
train_pipeline = [
    dict(type='LoadDomains'),
    dict(type='Resize', scale=(286, 286)),
    dict(type='RandomCrop', crop_size=(256, 256)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackTranslationInputs'),
]
test_pipeline = [
    dict(type='LoadDomains'),
    dict(type='Resize', scale=(256, 256)),
    dict(type='PackTranslationInputs'),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='TaskonomyDataset',
        data_root=data_root,
        ann_file='train.txt',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='TaskonomyDataset',
        data_root=data_root,
        ann_file='val.txt',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
