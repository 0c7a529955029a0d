"""CEN-PSPNet of pspnet_r50half_nyud_quarter.py with HHA in place of meters.

python tools/train.py configs/cen/pspnet_r50half_nyud_quarter_hha.py

Compared with meters in docs/choosing.md, "Depth encodings".
"""

_base_ = './pspnet_r50half_nyud_quarter.py'
# Gupta et al., ECCV 2014: disparity, height above ground, angle with gravity.
encode = dict(
    type='EncodeDepth', encoding='hha', intrinsics='nyudv2', missing='nearest'
)
train_pipeline = _base_.train_pipeline
train_pipeline.insert(1, encode)
test_pipeline = _base_.test_pipeline
test_pipeline.insert(1, encode)
tta_pipeline = _base_.tta_pipeline
tta_pipeline.insert(1, encode)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
model = dict(
    data_preprocessor=dict(
        modalities=dict(
            depth=dict(
                mean=[133.0, 114.5, 111.5], std=[58.0, 68.2, 38.5], bgr_to_rgb=True
            )
        )
    )
)
