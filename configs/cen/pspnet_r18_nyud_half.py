"""CEN-PSPNet, ResNet-18 from scratch, NYUDv2 at half resolution, for a CPU.

python tools/train.py configs/cen/pspnet_r18_nyud_half.py
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/nyudv2_half.py',
    '../_base_/schedules/scratch.py',
]
crop_size = (160, 160)
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize',
        scale=(240, 180),
        ratio_range=(0.9, 1.5),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='Resize', scale=(240, 180), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackMultimodalInputs'),
]
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(
        depth=18,
        norm_eval=False,
        init_cfg=None,
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
    ),
    decode_head=dict(head=dict(in_channels=512, channels=128)),
    auxiliary_head=dict(head=dict(in_channels=256, channels=64)),
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=2e-2),
    dict(type='ExchangeStatsHook'),
]
max_epochs = 8
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=50, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-5,
        begin=0,
        end=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
train_dataloader = dict(
    batch_size=6, num_workers=1, dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
