"""CEN-PSPNet of pspnet_r50half_nyud_quarter.py with 1/depth in place of meters.

python tools/train.py configs/cen/pspnet_r50half_nyud_quarter_inverse.py

Compared with meters in docs/choosing.md, "Depth encodings".
"""

_base_ = './pspnet_r50half_nyud_quarter.py'
encode = dict(type='EncodeDepth', encoding='inverse', missing='nearest')
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
    data_preprocessor=dict(modalities=dict(depth=dict(mean=[0.44], std=[0.22])))
)
