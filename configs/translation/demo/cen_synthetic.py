"""CEN, RGB + noisy depth to normals, on rendered rooms: minutes on two cores.

python tools/train.py configs/translation/demo/cen_synthetic.py
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/cen_pix2pix_small.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/pix2pix_short.py',
]
work_dir = 'work_dirs/translation/demo/cen_synthetic'
sources = ('rgb', 'depth')
model = dict(sources=sources, generator=dict(num_downs=6))
# Thirty times the noise of a Kinect: 0.4 m at a distance of 3 m. The image shows the
# outlines, but things that are only painted, too.
load = dict(type='LoadSyntheticDomains', noise=30)
pack = dict(type='PackTranslationInputs')
dataset = dict(sources=sources, target='normal', image_size=(64, 64))
train_dataloader = dict(
    dataset=dict(**dataset, pipeline=[load, dict(type='RandomFlip', prob=0.5), pack])
)
val_dataloader = dict(dataset=dict(**dataset, pipeline=[load, pack]))
test_dataloader = val_dataloader
test_evaluator = [dict(type='TranslationMetric')]
