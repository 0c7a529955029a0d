# ISPRS Vaihingen, parts of tiles, at most 512x512, 6 classes; 16 tiles for training and
# 17 for validation.
_base_ = './multimodal.py'
data_root = '{{$VAIHINGEN:data/vaihingen}}'
image_scale = (512, 512)
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
    type='VaihingenDSMDataset',
    data_root=data_root,
    modalities=dict(
        irrg=dict(inherit=True, interpolation='bicubic'),
        dsm=dict(inherit=True),
    ),
)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
