"""Classes, depth and normals of NYUDv2 at 240x320 from RGB, ResNet-50, half the width.

python tools/train.py configs/multitask/resnet50half_nyud_half.py

From ImageNet weights in the file that the variable HALF_RESNET50 names. Depth is the
measured one, normals are derived from it. Not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/nyudv2_half.py',
    '../_base_/schedules/pretrained_40e.py',
]
psp_head = dict(
    type='PSPHead',
    in_channels=1024,
    in_index=3,
    channels=128,
    pool_scales=(1, 2, 3, 6),
    dropout_ratio=0.1,
    norm_cfg=dict(type='BN'),
    align_corners=False,
)
model = dict(
    type='MultitaskSegmentor',
    tasks=('segmentation', 'depth', 'normals'),
    modalities=('rgb',),
    data_preprocessor=dict(
        type='MultitaskPreprocessor',
        modalities=dict(
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
        ),
        size=(250, 250),
    ),
    backbone=dict(
        type='CENResNet',
        depth=50,
        exchange_threshold=2e-2,
        base_channels=32,
        stem_channels=64,
        style='caffe',
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$HALF_RESNET50:data/weights/half_resnet50.pth}}',
        ),
    ),
    decode_head=dict(
        type='MultitaskHead',
        heads=dict(
            segmentation=dict(
                type='SegmentationHead', head=dict(num_classes=40, **psp_head)
            ),
            depth=dict(type='DepthHead', head=psp_head),
            normals=dict(type='NormalsHead', head=psp_head),
        ),
        weighting='uncertainty',
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

# The depth is loaded to derive the targets, and is no input then.
derive = dict(type='DeriveTargets', camera='nyudv2', radius=5)
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    derive,
    dict(
        type='RandomResize',
        scale=(320, 240),
        ratio_range=(0.5, 2.0),
        keep_ratio=True,
        min_side=175,
    ),
    dict(type='ZoomTargets'),
    dict(type='RandomCrop', crop_size=(250, 250)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultitaskInputs'),
]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    derive,
    dict(type='PackMultitaskInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='StreamIoUMetric', iou_metrics=['mIoU']),
    dict(type='DepthErrorMetric'),
    dict(type='NormalsErrorMetric'),
]
test_evaluator = val_evaluator
tta_model = None
default_hooks = dict(visualization=dict(type='MultitaskVisualizationHook'))
