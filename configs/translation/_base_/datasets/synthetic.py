# Rooms that are rendered when they are loaded, in the domains rgb, albedo, texture,
# depth, normal, shade and edge; no files. A config chooses:
#     choice = dict(dataset=dict(sources=('shade', 'texture'), target='rgb'))
#     train_dataloader = choice
#     val_dataloader = choice
#     test_dataloader = choice
image_size = (128, 128)
train_pipeline = [
    dict(type='LoadSyntheticDomains'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackTranslationInputs'),
]
test_pipeline = [
    dict(type='LoadSyntheticDomains'),
    dict(type='PackTranslationInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,  # rendered once, then kept in memory
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SyntheticTranslationDataset',
        num_samples=400,
        image_size=image_size,
        seed=1,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SyntheticTranslationDataset',
        num_samples=100,
        image_size=image_size,
        seed=2,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
