# NYUDv2, 480x640, 40 classes, 795 training and 654 test images.
_base_ = './multimodal.py'
data_root = '{{$NYUDV2:data/nyudv2}}'
image_scale = (640, 480)
crop_size = (500, 500)

train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize',
        scale=image_scale,
        ratio_range=(0.5, 2.0),
        keep_ratio=True,
        min_side=350,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
dataset = dict(
    type='NYUDv2Dataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'), depth=dict(inherit=True)
    ),
    data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
