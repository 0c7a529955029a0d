# Cityscapes, 1024x2048, 19 classes, 2975 training and 500 validation images.
_base_ = './multimodal.py'
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
dataset = dict(
    type='CityscapesRGBDDataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'), depth=dict(inherit=True)
    ),
    data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
