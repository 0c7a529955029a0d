"""UPerNet, Swin-T with token exchange (TokenFusion), NYUDv2.

python tools/train.py configs/tokens/upernet_swin_t_nyud.py

The paper has no such network. Needs ImageNet weights
(OpenMMLab) and a GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/tokens_upernet_swin.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/tokens_300e.py',
]
