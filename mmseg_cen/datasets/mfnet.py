"""MFNet: RGB and thermal images of streets by day and by night."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.registry import DATASETS

from .multimodal import LABEL, MultimodalSegDataset

# Class and RGB colour in which papers on this data set draw it.
COLORS = dict(
    unlabeled=[0, 0, 0], car=[64, 0, 128], person=[64, 64, 0], bike=[0, 128, 192],
    curve=[0, 0, 192], car_stop=[128, 128, 0], guardrail=[64, 64, 128],
    color_cone=[192, 128, 128], bump=[192, 64, 0],
)  # fmt: skip

MODALITIES: dict[str, dict[str, Any]] = dict(rgb={}, thermal=dict(dtype='uint8'))
# The number of an image is followed by D (day) or N (night): 00001D, 00001D_flip.
GROUPS = dict(condition=r'\d([DN])(?:_flip)?(?:\.\w+)?$')
CONDITIONS = dict(D='day', N='night')


@DATASETS.register_module()
class MFNetDataset(MultimodalSegDataset):
    """MFNet with 9 classes: 1569 street scenes as RGB and thermal images.

    ``rgb/*.png``, ``thermal/*.png`` (uint8) and ``label/*.png`` (0..8) below
    ``data_root``, as ``tools/dataset_converters/mfnet.py`` writes them. Class 0,
    ``unlabeled``, is learned and measured like the others, as in the paper. Each sample
    has the group ``condition``: day or night.

    "MFNet: Towards Real-Time Semantic Segmentation for Autonomous Vehicles with
    Multi-Spectral Scenes", IROS 2017.

    Args:
        modalities: As in :class:`MultimodalSegDataset`.
        data_prefix: Likewise; it replaces only the folders it names.
        groups: Likewise; in addition to ``condition``.
        **kwargs: Passed to :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=list(COLORS.values()))

    def __init__(
        self,
        modalities: Mapping[str, Mapping[str, Any]] = MODALITIES,
        data_prefix: Mapping[str, str | None] | None = None,
        groups: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            modalities,
            {LABEL: 'label', **(data_prefix or {})},
            {**GROUPS, **(groups or {})},
            **kwargs,
        )

    def load_groups(self, stems: Sequence[str]) -> list[dict[str, str]]:
        """Groups of each sample, with ``condition`` day or night."""
        rows = super().load_groups(stems)
        for row in rows:
            row['condition'] = CONDITIONS.get(row['condition'], row['condition'])
        return rows
