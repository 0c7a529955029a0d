"""CEN, RGB + edge to depth, NYUDv2 at half resolution.

python tools/train.py configs/translation/rgb_edge_to_depth_nyud_half.py

Taskonomy's recipe on other real data: domains without files are derived from the depth.
Needs a GPU; not trained here: see rgb_edge_to_depth_nyud_half_small.py.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/cen_pix2pix.py',
    '_base_/datasets/nyudv2_half.py',
    '_base_/schedules/pix2pix_300e.py',
]
sources = ('rgb', 'edge')
model = dict(
    sources=sources,
    data_preprocessor=dict(sources=sources),
    generator=dict(num_modalities=len(sources), out_channels=1),
)
choice = dict(dataset=dict(sources=sources, target='depth'))
train_dataloader = choice
val_dataloader = choice
test_dataloader = choice
test_evaluator = [dict(type='TranslationMetric')]
