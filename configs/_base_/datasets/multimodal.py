# Shared by all data sets in the layout of tools/dataset_converters: images are tested
# one by one, at their own size. A data set adds its `dataset` to the dataloaders, and
# its `train_pipeline`. With `inherit=True`, modalities have the options that the class
# of the data set knows, and a config replaces single ones.
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(type='PackMultimodalInputs'),
]
tta_pipeline = [
    dict(type='LoadModalities'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale_factor=ratio, keep_ratio=True)
                for ratio in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
            ],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadAnnotations')],
            [dict(type='PackMultimodalInputs')],
        ],
    ),
]
train_dataloader = dict(
    batch_size=6,
    num_workers=4,
    pin_memory=True,  # with a GPU, to which batches are copied while it computes
    drop_last=True,  # a batch of one has no statistics
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='train.txt'),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    pin_memory=True,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='val.txt', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
