"""Channel Exchanging Networks for MMSegmentation, for any aligned modalities.

A multimodal network is not a new network: it is any MMSegmentation model, run on
modalities that are folded into the batch axis, with norm layers that are private to
each modality and exchange channels. The data flow, in reading order:

    sample ─ `datasets`, `transforms` ─► an array per modality, moved by one draw
           ─ `PackMultimodalInputs` ─► one packed tensor, modalities side by side
           ─ `MultimodalPreprocessor` ─► colour order, mean, padding: (B, M*C, H, W)
           ─ `CENResNet` ─► fold ─► shared conv ─► private norm ─► exchange
             (or, of `fusion`, the modules behind its stages)
           ─ `EnsembleHead` ─► one decode head for all streams ─► logits per stream,
             and their ensemble
           ─ `StreamIoUMetric` ─► aAcc, mAcc, mIoU per stream and of the ensemble

`custom_imports = dict(imports=['mmseg_cen'])` in a config registers all of it.

Reference: Wang et al., "Deep Multimodal Fusion by Channel Exchanging", NeurIPS 2020.
"""

# `compat` comes first: without it, parts of mmseg do not import on a current stack.
from . import compat  # isort: skip
from . import datasets, fusion, hooks, loops, metrics, models, transforms, translation
from .version import __version__
