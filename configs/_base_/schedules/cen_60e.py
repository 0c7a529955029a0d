# Sec. 4.1, SUN RGB-D: as cen_300e.py, halved every 20 of 60 epochs.
_base_ = './cen_300e.py'
param_scheduler = [
    dict(type='MultiStepLR', milestones=[20, 40], gamma=0.5, by_epoch=True)
]
train_cfg = dict(max_epochs=60)
