"""CEN on rendered rooms: ResNet-18 of a quarter of the width, minutes on two cores.

python tools/train.py configs/demo/cen_synthetic.py
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/synthetic_rgbd.py',
    '../_base_/schedules/cen_300e.py',
]
# Its modalities are RGB and depth, unless model.modalities says other names.
model = dict(
    type='CENSegmentor',
    data_preprocessor=dict(
        type='MultimodalPreprocessor',
        modalities=dict(
            rgb=dict(mean=[137.4, 125.5, 115.2], std=[41.8, 39.3, 42.8]),
            depth=dict(mean=[3.2], std=[1.13]),
        ),
    ),
    backbone=dict(
        type='CENResNet',
        depth=18,
        exchange_threshold=2e-2,
        base_channels=16,
        stem_channels=16,
    ),
    decode_head=dict(
        type='EnsembleHead',
        head=dict(
            type='FCNHead',
            input_transform='resize_concat',
            in_channels=[16, 32, 64, 128],
            in_index=[0, 1, 2, 3],
            channels=64,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=13,
            norm_cfg=dict(type='BN'),
            align_corners=False,
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.2, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.03, end=30, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=30, by_epoch=False, T_max=370, end=400),
]
train_cfg = dict(max_epochs=8, val_interval=8)
default_hooks = dict(
    logger=dict(interval=25), checkpoint=dict(interval=8, save_best=None)
)
custom_hooks = [
    # Large for so short a training: gamma falls by about lr * weight / (1 - momentum) a
    # step and has to arrive below the threshold early.
    dict(type='GammaSparsityHook', sparsity_weight=2e-2),
    dict(type='ExchangeStatsHook', interval=25),
    dict(type='GammaRecorderHook', interval=5),
]
