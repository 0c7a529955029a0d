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

``custom_imports = dict(imports=['mmseg_cen'])`` in a config registers all of it: this
import does, with torch, mmengine and mmseg, which take seconds. It is not put off until
a registry is asked: what mmengine looks up without one (readers and writers of files,
hooks that a run has anyway) must be replaced before. What only some runs need, such as
matplotlib, h5py and scipy, is imported where it is used.

Reference: Wang et al., "Deep Multimodal Fusion by Channel Exchanging", NeurIPS 2020.
"""

import gc

from . import command_line

if command_line.is_called():
    command_line.main()  # the tool takes the place of this process, and imports us

# Hundreds of thousands of objects are made here that stay: looking for garbage among
# them takes a tenth of the time.
_collected = gc.isenabled()
gc.disable()
try:
    # `compat` comes first: parts of mmseg do not import on a current stack without it.
    from . import compat  # isort: skip
    from . import (
        checkpoints,
        datasets,
        fusion,
        hooks,
        loops,
        metrics,
        models,
        modes,
        multitask,
        transforms,
        translation,
    )
    from .version import __version__
finally:
    if _collected:
        gc.enable()
