# Sec. 4.1, ResNet-152: as cen_300e.py, halved every 150 of 450 epochs.
_base_ = './cen_300e.py'
param_scheduler = [
    dict(type='MultiStepLR', milestones=[150, 300], gamma=0.5, by_epoch=True)
]
train_cfg = dict(max_epochs=450)
