"""CEN-PSPNet, ResNet-50 from scratch, NYUDv2 at half resolution, 60 epochs.

python tools/train.py configs/cen/pspnet_r50_nyud_half.py

Needs a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cen_pspnet.py',
    '../_base_/datasets/nyudv2_half.py',
    '../_base_/schedules/scratch.py',
]
model = dict(
    data_preprocessor=dict(size=(250, 250)),
    backbone=dict(depth=50, norm_eval=False, init_cfg=None),
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=2e-2),
    dict(type='ExchangeStatsHook'),
]
