"""The twin of solid_synthetic.py that learns to do without rgb or depth.

python tools/train.py configs/demo/modality_dropout_solid_synthetic.py
python tools/test.py configs/demo/modality_dropout_solid_synthetic.py CHECKPOINT --subsets
"""  # noqa: E501

_base_ = './solid_synthetic.py'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadSyntheticRoom', solid=True),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomModalityDropout', prob=0.3),
            dict(type='PackMultimodalInputs'),
        ]
    )
)
