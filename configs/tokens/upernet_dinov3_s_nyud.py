"""UPerNet, DINOv3 ViT-S/16 of timm with token exchange and LoRA, NYUDv2.

python tools/train.py configs/tokens/upernet_dinov3_s_nyud.py

No paper has such a network. Needs timm (the extra `mmpretrain`), its weights and a
GPU; not trained here.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/tokens_upernet_dinov3.py',
    '../_base_/datasets/nyudv2.py',
    '../_base_/schedules/tokens_300e.py',
]
