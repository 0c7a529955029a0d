"""Classes, depth and normals of rooms from RGB: three streams that exchange channels.

python tools/train.py configs/multitask/rooms_exchange.py

ResNet-18 of a quarter of the width. Twins: rooms_no_exchange.py, and a network for each
task alone: rooms_segmentation.py, rooms_depth.py, rooms_normals.py.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/synthetic_rgbd.py',
    '../_base_/schedules/cen_300e.py',
]
fcn_head = dict(
    type='FCNHead',
    input_transform='resize_concat',
    in_channels=[16, 32, 64, 128],
    in_index=[0, 1, 2, 3],
    channels=64,
    num_convs=1,
    concat_input=False,
    dropout_ratio=0,
    norm_cfg=dict(type='BN'),
    align_corners=False,
)
model = dict(
    type='MultitaskSegmentor',
    tasks=('segmentation', 'depth', 'normals'),
    modalities=('rgb',),
    data_preprocessor=dict(
        type='MultitaskPreprocessor',
        modalities=dict(rgb=dict(mean=[137.4, 125.5, 115.2], std=[41.8, 39.3, 42.8])),
    ),
    backbone=dict(
        type='CENResNet',
        depth=18,
        exchange_threshold=2e-2,
        base_channels=16,
        stem_channels=16,
    ),
    decode_head=dict(
        type='MultitaskHead',
        heads=dict(
            segmentation=dict(
                type='SegmentationHead', head=dict(num_classes=13, **fcn_head)
            ),
            depth=dict(type='DepthHead', head=fcn_head),
            normals=dict(type='NormalsHead', head=fcn_head),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

# Things are solid: the image alone then tells their classes and their depth.
train_pipeline = [
    dict(type='LoadSyntheticRoom', solid=True),
    dict(type='LoadRoomTargets', solid=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultitaskInputs'),
]
test_pipeline = [
    dict(type='LoadSyntheticRoom', solid=True),
    dict(type='LoadRoomTargets', solid=True),
    dict(type='PackMultitaskInputs'),
]
dataset = dict(modalities=('rgb',), image_size=(64, 64))
train_dataloader = dict(
    batch_size=8, dataset=dict(num_samples=400, pipeline=train_pipeline, **dataset)
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='StreamIoUMetric', iou_metrics=['mIoU']),
    dict(type='DepthErrorMetric'),
    dict(type='NormalsErrorMetric'),
]
test_evaluator = val_evaluator
tta_model = None

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.03, end=30, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=30, by_epoch=False, T_max=370, end=400),
]
train_cfg = dict(max_epochs=8, val_interval=8)
default_hooks = dict(
    logger=dict(interval=25),
    checkpoint=dict(interval=8, save_best=None),
    visualization=dict(type='MultitaskVisualizationHook'),
)
custom_hooks = [
    # Large for so short a training, see configs/demo/cen_synthetic.py.
    dict(type='GammaSparsityHook', sparsity_weight=2e-2),
    dict(type='ExchangeStatsHook', interval=25),
]
