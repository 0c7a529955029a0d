"""Data sets of aligned modalities."""

from mmseg_cen.modality import Modality as Modality
from mmseg_cen.modality import build_modalities as build_modalities
from mmseg_cen.modality import keyed_modalities as keyed_modalities
from mmseg_cen.modality import modality_key as modality_key

from .cityscapes import CityscapesRGBDDataset as CityscapesRGBDDataset
from .deliver import DELIVERDataset as DELIVERDataset
from .mfnet import MFNetDataset as MFNetDataset
from .multimodal import MultimodalSegDataset as MultimodalSegDataset
from .nyudv2 import NYUDv2Dataset as NYUDv2Dataset
from .sunrgbd import SUNRGBDDataset as SUNRGBDDataset
from .synthetic import SyntheticRGBDDataset as SyntheticRGBDDataset
