"""CEN-PSPNet of pspnet_r50half_nyud_quarter.py that learns to do without RGB or depth.

python tools/train.py configs/cen/pspnet_r50half_nyud_quarter_dropout.py

Ensemble in bf16: 19.8 mIoU, 15.3 with RGB and 15.8 with depth alone, seed 0. Without
dropout, 24.3, 14.4 and 12.9 (docs/robustness.md).
"""

_base_ = './pspnet_r50half_nyud_quarter.py'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadModalities'),
            dict(type='LoadAnnotations'),
            dict(
                type='RandomResize',
                scale=(160, 120),
                ratio_range=(1.0, 1.5),
                keep_ratio=True,
            ),
            dict(type='RandomCrop', crop_size=(120, 160)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomModalityDropout', prob=0.3),
            dict(type='PackMultimodalInputs'),
        ]
    )
)
