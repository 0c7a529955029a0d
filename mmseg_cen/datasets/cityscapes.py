"""Cityscapes with depth from its stereo disparity."""

from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset


@DATASETS.register_module()
class CityscapesRGBDDataset(MultimodalSegDataset):
    """Cityscapes with 19 classes: 3475 labeled street scenes as RGB and depth.

    ``rgb/*.png``, ``depth/*.png`` (uint16, 1 cm; loaded as meters, 0 is unknown) and
    ``label/*.png`` (0..18, 255 for void) below ``data_root``, as
    ``tools/dataset_converters/cityscapes.py`` writes them.

    "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(CityscapesDataset.METAINFO)
    MODALITIES = dict(
        rgb={},
        # Centimeters, read as meters. Pixels without disparity (sky, occlusion, hood of
        # the car) stay 0: the nearest measured depth would put the sky on the roofs.
        depth=dict(suffix='.png', dtype='uint16', scale=1 / 100, plausible=(4, 100)),
    )
    PREFIXES = dict(seg_map_path='label')
