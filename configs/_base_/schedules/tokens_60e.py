# As tokens_300e.py, for SUN RGB-D: the authors tell no such schedule; halved every 20
# of 60 epochs, as CEN is.
_base_ = './tokens_300e.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, end=1500, by_epoch=False),
    dict(type='MultiStepLR', milestones=[20, 40], gamma=0.5, by_epoch=True),
]
train_cfg = dict(max_epochs=60)
