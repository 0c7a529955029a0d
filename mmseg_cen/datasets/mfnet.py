"""MFNet: RGB and thermal images of streets by day and by night."""

from collections.abc import Sequence

from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

# RGB color of each class in papers on this data set.
COLORS = dict(
    unlabeled=[0, 0, 0], car=[64, 0, 128], person=[64, 64, 0], bike=[0, 128, 192],
    curve=[0, 0, 192], car_stop=[128, 128, 0], guardrail=[64, 64, 128],
    color_cone=[192, 128, 128], bump=[192, 64, 0],
)  # fmt: skip

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

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=list(COLORS.values()))
    MODALITIES = dict(rgb={}, thermal=dict(dtype='uint8'))
    PREFIXES = dict(seg_map_path='label')
    # The number of an image is followed by D (day) or N (night): 00001D, 00001D_flip.
    GROUPS = dict(condition=r'\d([DN])(?:_flip)?(?:\.\w+)?$')

    def load_groups(self, stems: Sequence[str]) -> list[dict[str, str]]:
        """Find the groups of each sample, with ``condition`` day or night."""
        rows = super().load_groups(stems)
        for row in rows if 'condition' in self.groups else ():
            row['condition'] = CONDITIONS.get(row['condition'], row['condition'])
        return rows
