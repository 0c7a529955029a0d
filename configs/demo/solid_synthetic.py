"""CEN on rendered rooms without painted things: the image alone tells all classes.

python tools/train.py configs/demo/solid_synthetic.py
python tools/test.py configs/demo/solid_synthetic.py CHECKPOINT --subsets

What a network loses without depth here, it need not lose: see its twin,
modality_dropout_solid_synthetic.py.
"""

_base_ = './cen_synthetic.py'
room = dict(type='LoadSyntheticRoom', solid=True)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            room,
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackMultimodalInputs'),
        ]
    )
)
val_dataloader = dict(dataset=dict(pipeline=[room, dict(type='PackMultimodalInputs')]))
test_dataloader = val_dataloader
