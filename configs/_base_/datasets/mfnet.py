# MFNet, 480x640, 9 classes, 784 training, 392 validation and 393 test images.
_base_ = './multimodal.py'
data_root = '{{$MFNET:data/mfnet}}'
image_scale = (640, 480)
crop_size = (480, 640)

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
    type='MFNetDataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'), thermal=dict(inherit=True)
    ),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dict(ann_file='test.txt', **dataset))
