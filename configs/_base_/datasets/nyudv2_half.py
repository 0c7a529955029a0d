# NYUDv2 at half resolution, 240x320: as nyudv2.py, all sizes halved.
_base_ = './nyudv2.py'
data_root = '{{$NYUDV2_HALF:data/nyudv2_half}}'
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize',
        scale=(320, 240),
        ratio_range=(0.5, 2.0),
        keep_ratio=True,
        min_side=175,
    ),
    dict(type='RandomCrop', crop_size=(250, 250)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
