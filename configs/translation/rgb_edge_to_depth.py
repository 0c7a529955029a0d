"""CEN, RGB + edge to depth, Taskonomy.

python tools/train.py configs/translation/rgb_edge_to_depth.py

Paper's MAE / root of MSE: 0.028 / 0.066, Table 6. Not trained here. Written by
tools/paper/write_configs.py.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/cen_pix2pix.py',
    '_base_/datasets/taskonomy.py',
    '_base_/schedules/pix2pix_300e.py',
]
sources = ('rgb', 'edge')
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=2, out_channels=1),
)
choice = dict(dataset=dict(sources=sources, target='depth'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
test_evaluator = [dict(type='TranslationMetric')]
