"""DeLiVER: driving scenes of a simulator in four modalities, with failing sensors."""

import re
from collections.abc import Sequence

from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

# RGB color of each class, in the order of the labels.
COLORS = dict(
    Building=[70, 70, 70], Fence=[100, 40, 40], Other=[55, 90, 80],
    Pedestrian=[220, 20, 60], Pole=[153, 153, 153], RoadLine=[157, 234, 50],
    Road=[128, 64, 128], SideWalk=[244, 35, 232], Vegetation=[107, 142, 35],
    Cars=[0, 0, 142], Wall=[102, 102, 156], TrafficSign=[220, 220, 0],
    Sky=[70, 130, 180], Ground=[81, 0, 81], Bridge=[150, 100, 100],
    RailTrack=[230, 150, 140], GroundRail=[180, 165, 180],
    TrafficLight=[250, 170, 30], Static=[110, 190, 160], Dynamic=[170, 120, 50],
    Water=[45, 60, 150], Terrain=[145, 170, 100], TwoWheeler=[0, 0, 230],
    Bus=[0, 60, 100], Truck=[0, 0, 70],
)  # fmt: skip

CONDITIONS = ('cloud', 'fog', 'night', 'rain', 'sun')
CASES = (
    'motionblur', 'overexposure', 'underexposure', 'lidarjitter', 'eventlowres',
)  # fmt: skip


@DATASETS.register_module()
class DELIVERDataset(MultimodalSegDataset):
    """DeLiVER with 25 classes: front views as RGB, depth, events and LiDAR.

    ``{rgb,depth,event,lidar,label}/*.png`` below ``data_root``, as
    ``tools/dataset_converters/deliver.py`` writes them; the stems keep the names of the
    official folders, ``cloud/val/MAP_1_point2_motionblur/045050_front``. From these,
    each sample has the groups ``condition`` (cloud, fog, night, rain, sun) and ``case``
    (motionblur, overexposure, underexposure, lidarjitter, eventlowres, or normal).

    "Delivering Arbitrary-Modal Semantic Segmentation", CVPR 2023.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=list(COLORS.values()))
    MODALITIES = dict(
        rgb={},
        depth=dict(channels=3, dtype='uint8'),  # HHA
        # Sparse: bilinear interpolation would mix points with the void around them.
        event=dict(channels=3, dtype='uint8', interpolation='nearest'),
        lidar=dict(channels=3, dtype='uint8', interpolation='nearest'),
    )
    PREFIXES = dict(seg_map_path='label')
    GROUPS = dict(condition=rf'(?:^|/)({"|".join(CONDITIONS)})/')

    def load_groups(self, stems: Sequence[str]) -> list[dict[str, str]]:
        """Find the groups of each sample, with ``condition`` and ``case``."""
        rows = super().load_groups(stems)
        for stem, row in zip(stems, rows, strict=True):
            failure = re.search('|'.join(CASES), stem)
            row.setdefault('case', failure[0] if failure else 'normal')
        return rows
