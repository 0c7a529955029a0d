# SUN RGB-D, 37 classes, 5285 training and 5050 test images of four cameras.
# Their sizes differ (427x561 to 531x681 and more): in training all are scaled to about
# 640x480 and cropped; at test each is predicted alone, at its own size.
_base_ = './multimodal.py'
data_root = '{{$SUNRGBD:data/sunrgbd}}'
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
    type='SUNRGBDDataset',
    data_root=data_root,
    modalities=dict(
        rgb=dict(suffix='.jpg', interpolation='bicubic'),
        depth=dict(suffix='.png', dtype='uint16', scale=1 / 1000, fill='nearest'),
    ),
    data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
