# KITTI-360, 376x1408, 19 classes, 49004 training and 12276 validation images.
_base_ = './multimodal.py'
data_root = '{{$KITTI360:data/kitti360}}'
image_scale = (1408, 376)
crop_size = (376, 768)

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
    type='KITTI360Dataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'),
        depth=dict(inherit=True),
    ),
)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
