# Cityscapes, 1024x2048, 19 classes, 2975 training and 500 validation images.
data_root = '{{$CITYSCAPES_RGBD:data/cityscapes_rgbd}}'
crop_size = (768, 768)

train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize',
        scale=(2048, 1024),
        ratio_range=(0.5, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
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
dataset = dict(
    type='CityscapesRGBDDataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(suffix='.png', interpolation='bicubic'),
        depth=dict(suffix='.png', dtype='uint16', scale=1 / 100),
    ),
    data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
)
train_dataloader = dict(
    batch_size=6,
    num_workers=4,
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='train.txt', pipeline=train_pipeline, **dataset),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='val.txt', pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader
