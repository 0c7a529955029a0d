"""Classes and normals of rooms from RGB and depth: streams of tasks and modalities.

python tools/train.py configs/multitask/rooms_rgbd_exchange.py

Half of the things are painted, so that both modalities are needed. Other partners of
the exchange: `--cfg-options model.partners=same_task` or `same_modality`.
"""

_base_ = './rooms_exchange.py'
modalities = ('rgb', 'depth')
model = dict(
    tasks=('segmentation', 'normals'),
    modalities=modalities,
    partners='all',
    data_preprocessor=dict(modalities=dict(depth=dict(mean=[3.2], std=[1.13]))),
)
loading = [dict(type='LoadSyntheticRoom'), dict(type='LoadRoomTargets')]
train_pipeline = [
    *loading,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultitaskInputs'),
]
test_pipeline = [*loading, dict(type='PackMultitaskInputs')]
train_dataloader = dict(dataset=dict(modalities=modalities, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(modalities=modalities, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='StreamIoUMetric', iou_metrics=['mIoU']),
    dict(type='NormalsErrorMetric'),
]
test_evaluator = val_evaluator
