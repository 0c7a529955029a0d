"""SUN RGB-D."""

from collections.abc import Sequence

from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset
from .nyudv2 import CLASSES, pascal_color

NUM_CLASSES = 37


@DATASETS.register_module()
class SUNRGBDDataset(MultimodalSegDataset):
    """SUN RGB-D with 37 classes: 10335 indoor scenes as RGB and depth of four cameras.

    ``rgb/*.jpg``, ``depth/*.png`` (uint16, 1 mm; loaded as meters, holes filled with
    the nearest depth) and ``label/*.png`` (0..36, 255 for void) below ``data_root``, as
    ``tools/dataset_converters/sunrgbd.py`` writes them. The 37 classes are the first of
    the 40 of NYUDv2. Images differ in size. Each sample has the group ``camera``: kv1,
    kv2, realsense or xtion if its path has a folder of that name, else ``unknown``.

    "SUN RGB-D: A RGB-D Scene Understanding Benchmark Suite", CVPR 2015.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(
        classes=CLASSES[:NUM_CLASSES],
        palette=[pascal_color(k + 1) for k in range(NUM_CLASSES)],
    )
    MODALITIES = dict(
        rgb=dict(suffix='.jpg'),
        # Millimeters, read as meters; in-painted depth has a few holes left.
        depth=dict(suffix='.png', dtype='uint16', scale=1 / 1000, fill='nearest'),
    )
    PREFIXES = dict(seg_map_path='label')
    CAMERAS = ('kv1', 'kv2', 'realsense', 'xtion')

    @classmethod
    def camera_of(cls, path: str) -> str:
        """Name of the camera in a path, e.g. kv2 of 'kv2/kinect2data/...'."""
        return next(
            (part for part in path.split('/') if part in cls.CAMERAS), 'unknown'
        )

    def load_groups(self, stems: Sequence[str]) -> list[dict[str, str]]:
        """Find the groups of each sample, with ``camera``."""
        rows = super().load_groups(stems)
        return [
            dict(camera=self.camera_of(stem)) | row
            for stem, row in zip(stems, rows, strict=True)
        ]
