"""Data sets of aligned modalities."""

from mmseg_cen.modality import (
    Modality,
    build_modalities,
    keyed_modalities,
    modality_key,
)

from .cityscapes import CityscapesRGBDDataset
from .deliver import DELIVERDataset
from .mfnet import MFNetDataset
from .multimodal import MultimodalSegDataset
from .nyudv2 import NYUDv2Dataset
from .of_config import SamplesOfTest, samples_of_test, select
from .sunrgbd import SUNRGBDDataset
from .synthetic import SyntheticRGBDDataset
