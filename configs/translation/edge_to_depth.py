"""Pix2pix, edge to depth, Taskonomy.

python tools/train.py configs/translation/edge_to_depth.py

The paper has no such row. Not trained here. Written by tools/paper/write_configs.py.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/cen_pix2pix.py',
    '_base_/datasets/taskonomy.py',
    '_base_/schedules/pix2pix_300e.py',
]
sources = ('edge',)
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=1, out_channels=1),
)
choice = dict(dataset=dict(sources=sources, target='depth'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
test_evaluator = [dict(type='TranslationMetric')]
