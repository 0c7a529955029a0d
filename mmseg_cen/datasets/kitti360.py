"""KITTI-360 with depth of its laser scanner."""

from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset


@DATASETS.register_module()
class KITTI360Dataset(MultimodalSegDataset):
    """KITTI-360 with the 19 classes of Cityscapes: street scenes as RGB and depth.

    ``rgb/*.png``, ``depth/*.png`` (uint16, 1 cm; loaded as meters, 0 where no point of
    the scan falls) and ``label/*.png`` (0..18, 255 for void) below ``data_root``, as
    ``tools/dataset_converters/kitti360.py`` writes them. Stems begin with the drive,
    ``2013_05_28_drive_0000_sync/0000000250``, which is the group ``drive``.

    "KITTI-360: A Novel Dataset and Benchmarks for Urban Scene Understanding in 2D and
    3D", TPAMI 2022.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(CityscapesDataset.METAINFO)
    MODALITIES = dict(
        rgb={}, depth=dict(dtype='uint16', scale=1 / 100, plausible=(4, 100))
    )
    PREFIXES = dict(seg_map_path='label')
    GROUPS = dict(drive=r'(\d{4})_sync(?:/|$)')
