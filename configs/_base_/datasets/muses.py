# MUSES, 1080x1920, 19 classes, 1500 training, 250 validation and 750 test images. The
# labels of the test may be void: the server measures it, see docs/datasets.md.
_base_ = './multimodal.py'
data_root = '{{$MUSES:data/muses}}'
image_scale = (1920, 1080)
crop_size = (768, 768)

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
    type='MUSESDataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'),
        lidar=dict(inherit=True),
        radar=dict(inherit=True),
        event=dict(inherit=True),
    ),
)
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dict(ann_file='test.txt', **dataset))
