# DeLiVER, 1042x1042, 25 classes, 3983 training, 2005 validation and 1897 test images.
# Papers report the one or the other: the test takes the validation images with
# --cfg-options test_dataloader.dataset.ann_file=val.txt
_base_ = './multimodal.py'
data_root = '{{$DELIVER:data/deliver}}'
image_scale = (1042, 1042)
crop_size = (512, 512)

train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize',
        scale=image_scale,
        ratio_range=(0.5, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
dataset = dict(
    type='DELIVERDataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'),
        depth=dict(inherit=True),
        event=dict(inherit=True),
        lidar=dict(inherit=True),
    ),
)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dict(ann_file='test.txt', **dataset))
