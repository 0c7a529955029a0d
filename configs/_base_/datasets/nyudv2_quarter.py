# NYUDv2 at a quarter of its resolution, 120x160, which two CPU cores can train: the
# files of nyudv2_half.py, resized when loaded. Predictions are resized to the labels.
_base_ = './nyudv2_half.py'
crop_size = (120, 160)
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize', scale=(160, 120), ratio_range=(1.0, 1.5), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='Resize', scale=(160, 120), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackMultimodalInputs'),
]
tta_pipeline = [
    dict(type='LoadModalities'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=scale, keep_ratio=True)
                for scale in ((120, 90), (160, 120), (200, 150))
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
    batch_size=8,
    num_workers=1,
    drop_last=False,
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline)
)
test_dataloader = val_dataloader
