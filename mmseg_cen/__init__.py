"""Channel Exchanging Networks for MMSegmentation, for any aligned modalities.

A multimodal network is not a new network: it is any MMSegmentation model, run on
modalities that are folded into the batch axis, with norm layers that are private to
each modality and exchange channels. The data flow, in reading order, with the folder of
each step::

    sample ─ datasets ─► paths of the files of each modality
           ─ transforms ─► an array per modality, moved by one draw; then, by
             PackMultimodalInputs, one packed tensor, modalities side by side
           ─ models: MultimodalPreprocessor ─► order of the channels, mean,
             padding: (B, M*C, H, W)
           ─ models: CENResNet, or CENBackbone around any other backbone
             ─► streams: fold ─► shared convolution ─► private norm ─► exchange
             ─► fusion, if a module stands behind a stage
           ─ models: EnsembleHead ─► one decode head for all streams ─► logits
             per stream, and their ensemble
           ─ metrics: StreamIoUMetric ─► aAcc, mAcc, mIoU per stream and of the
             ensemble

``custom_imports = dict(imports=['mmseg_cen'])`` in a config registers all of it.

Reference: Wang et al., "Deep Multimodal Fusion by Channel Exchanging", NeurIPS 2020.
"""

# `compat` comes first: without it, parts of mmseg do not import on a current stack.
from . import compat  # isort: skip
from . import (
    checkpoints,
    datasets,
    fusion,
    hooks,
    loops,
    metrics,
    models,
    transforms,
    translation,
)
from .version import __version__
