"""The twin of cen_synthetic.py that learns to do without rgb or depth.

python tools/train.py configs/demo/modality_dropout_synthetic.py

Then, for the IoU with both modalities and with either alone:

python tools/test.py configs/demo/modality_dropout_synthetic.py CHECKPOINT --subsets
"""

_base_ = './cen_synthetic.py'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadSyntheticRoom'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomModalityDropout', prob=0.3),
            dict(type='PackMultimodalInputs'),
        ]
    )
)
