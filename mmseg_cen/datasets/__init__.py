"""Data sets of aligned modalities."""

from mmseg_cen.modality import (
    Modality,
    build_modalities,
    keyed_modalities,
    modality_key,
)

from .cityscapes import CityscapesRGBDDataset
from .deliver import DELIVERDataset
from .fmb import FMBDataset
from .isprs import PotsdamDSMDataset, VaihingenDSMDataset
from .kitti360 import KITTI360Dataset
from .mcubes import MCubeSDataset
from .mfnet import MFNetDataset
from .multimodal import MultimodalSegDataset
from .muses import MUSESDataset
from .nyudv2 import NYUDv2Dataset
from .of_config import SamplesOfTest, samples_of_test, select
from .pst900 import PST900Dataset
from .sunrgbd import SUNRGBDDataset
from .synthetic import SyntheticRGBDDataset
