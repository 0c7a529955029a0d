"""Data sets of aligned modalities."""

from .cityscapes import CityscapesRGBDDataset
from .deliver import DELIVERDataset
from .mfnet import MFNetDataset
from .modality import Modality, build_modalities, keyed_modalities, modality_key
from .multimodal import MultimodalSegDataset
from .nyudv2 import NYUDv2Dataset
from .sunrgbd import SUNRGBDDataset
from .synthetic import SyntheticRGBDDataset
