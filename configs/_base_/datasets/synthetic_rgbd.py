# Rooms that are rendered when they are loaded; no files. 13 classes.
image_size = (96, 96)
train_pipeline = [
    dict(type='LoadSyntheticRoom'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
test_pipeline = [
    dict(type='LoadSyntheticRoom'),
    dict(type='PackMultimodalInputs'),
]
tta_pipeline = [
    dict(type='LoadSyntheticRoom', labels=False),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale_factor=ratio, keep_ratio=True)
                for ratio in (0.75, 1.0, 1.25)
            ],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadSyntheticRoom', images=False)],
            [dict(type='PackMultimodalInputs')],
        ],
    ),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=0,  # rendered once, then kept in memory
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SyntheticRGBDDataset',
        num_samples=800,
        image_size=image_size,
        seed=1,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SyntheticRGBDDataset',
        num_samples=200,
        image_size=image_size,
        seed=2,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
