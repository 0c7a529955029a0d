"""SUN RGB-D."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.registry import DATASETS

from .multimodal import LABEL, MultimodalSegDataset
from .nyudv2 import CLASSES, pascal_color

NUM_CLASSES = 37

MODALITIES: dict[str, dict[str, Any]] = dict(
    rgb=dict(suffix='.jpg'),
    # Millimetres, read as metres; in-painted depth has a few holes left.
    depth=dict(suffix='.png', dtype='uint16', scale=1 / 1000, fill='nearest'),
)
PREFIXES = dict(rgb='rgb', depth='depth', seg_map_path='label')


@DATASETS.register_module()
class SUNRGBDDataset(MultimodalSegDataset):
    """SUN RGB-D with 37 classes: 10335 indoor scenes as RGB and depth of four cameras.

    ``rgb/*.jpg``, ``depth/*.png`` (uint16, 1 mm; loaded as metres, holes filled with
    the nearest depth) and ``label/*.png`` (0..36, 255 for void) below ``data_root``, as
    ``tools/dataset_converters/sunrgbd.py`` writes them. The 37 classes are the first of
    the 40 of NYUDv2. Images differ in size. Each sample has the group ``camera``: kv1,
    kv2, realsense or xtion if its path has a folder of that name, else ``unknown``.

    "SUN RGB-D: A RGB-D Scene Understanding Benchmark Suite", CVPR 2015.

    Args:
        modalities: As in :class:`MultimodalSegDataset`.
        data_prefix: Likewise; it replaces only the folders it names.
        **kwargs: Passed to :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(
        classes=CLASSES[:NUM_CLASSES],
        palette=[pascal_color(k + 1) for k in range(NUM_CLASSES)],
    )
    CAMERAS = ('kv1', 'kv2', 'realsense', 'xtion')

    def __init__(
        self,
        modalities: Mapping[str, Mapping[str, Any]] = MODALITIES,
        data_prefix: Mapping[str, str | None] | None = None,
        **kwargs: Any,
    ) -> None:
        defaults = {k: v for k, v in PREFIXES.items() if k in (*modalities, LABEL)}
        super().__init__(modalities, {**defaults, **(data_prefix or {})}, **kwargs)

    @classmethod
    def camera_of(cls, path: str) -> str:
        """Camera that took the image of a sequence, e.g. 'kv2/kinect2data/...'."""
        return next(
            (part for part in path.split('/') if part in cls.CAMERAS), 'unknown'
        )

    def load_groups(self, stems: Sequence[str]) -> list[dict[str, str]]:
        """Groups of each sample, with ``camera``."""
        rows = super().load_groups(stems)
        return [
            dict(camera=self.camera_of(stem)) | row
            for stem, row in zip(stems, rows, strict=True)
        ]
