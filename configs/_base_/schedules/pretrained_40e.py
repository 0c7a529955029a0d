# As pretrained_10e.py, for 40 epochs.
_base_ = './pretrained_10e.py'
max_epochs = 40
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_epochs
train_cfg = dict(max_epochs=max_epochs)
