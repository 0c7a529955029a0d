"""Cityscapes with depth from its stereo disparity."""

from collections.abc import Mapping
from typing import Any

from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from .multimodal import LABEL, MultimodalSegDataset

MODALITIES: dict[str, dict[str, Any]] = dict(
    rgb={},
    # Centimetres, read as metres. What has no disparity (sky, occlusion, the hood of
    # the car) stays 0: the nearest measured depth would put the sky on the roofs.
    depth=dict(suffix='.png', dtype='uint16', scale=1 / 100),
)
PREFIXES = dict(rgb='rgb', depth='depth', seg_map_path='label')


@DATASETS.register_module()
class CityscapesRGBDDataset(MultimodalSegDataset):
    """Cityscapes with 19 classes: 3475 labelled street scenes as RGB and depth.

    ``rgb/*.png``, ``depth/*.png`` (uint16, 1 cm; loaded as metres, 0 is unknown) and
    ``label/*.png`` (0..18, 255 for void) below ``data_root``, as
    ``tools/dataset_converters/cityscapes.py`` writes them.

    "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016.

    Args:
        modalities: As in :class:`MultimodalSegDataset`.
        data_prefix: Likewise; it replaces only the folders it names.
        **kwargs: Passed to :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(CityscapesDataset.METAINFO)

    def __init__(
        self,
        modalities: Mapping[str, Mapping[str, Any]] = MODALITIES,
        data_prefix: Mapping[str, str | None] | None = None,
        **kwargs: Any,
    ) -> None:
        defaults = {k: v for k, v in PREFIXES.items() if k in (*modalities, LABEL)}
        super().__init__(modalities, {**defaults, **(data_prefix or {})}, **kwargs)
