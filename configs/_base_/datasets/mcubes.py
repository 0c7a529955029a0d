# MCubeS, 1024x1032, 20 materials, 302 training, 96 validation and 102 test images.
_base_ = './multimodal.py'
data_root = '{{$MCUBES:data/mcubes}}'
image_scale = (1032, 1024)
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
    type='MCubeSDataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'),
        aolp=dict(inherit=True),
        dolp=dict(inherit=True),
        nir=dict(inherit=True),
    ),
)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dict(ann_file='test.txt', **dataset))
