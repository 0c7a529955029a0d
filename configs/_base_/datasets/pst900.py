# PST900, 720x1280, 5 classes, 597 training and 288 test images. The authors have
# no validation list: as in papers on the data set, checkpoints are validated on the
# test.
_base_ = './multimodal.py'
data_root = '{{$PST900:data/pst900}}'
image_scale = (1280, 720)
crop_size = (640, 640)

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
    type='PST900Dataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(inherit=True, interpolation='bicubic'),
        thermal=dict(inherit=True),
    ),
)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dict(ann_file='test.txt', **dataset))
test_dataloader = val_dataloader
