"""Prepare PST900 (RGB, thermal images and depth under ground, 5 classes).

python tools/dataset_converters/pst900.py PST900_RGBT_Dataset data/pst900

The download (https://github.com/ShreyasSkandanS/pst900_thermal_rgb) has
{train,test}/{rgb,thermal,thermal_raw,depth,labels}/*.png. Written are rgb/, thermal/
(8 bits), thermal_raw/ (16 bits), depth/ (1/2560 m), label/ (0..4) and the lists
train.txt and test.txt; `--check` verifies such a folder. Holes of the thermal images,
which were projected into the color image, are 0 and stay so.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from common_options import make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser(__doc__).parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

from aligned_files import Official, plan_aligned, read_color, read_gray, read_label

from mmseg_cen.datasets.pst900 import COLORS
from mmseg_cen.door import as_tool
from mmseg_cen.plausibility import ANYWHERE
from mmseg_cen.preparation import Folder, Plan, run

# The authors' page counts 606 training samples; their download has 597.
SPLITS = dict(train=597, test=288)
K = len(COLORS)
DEPTH = Folder(kind='depth', dtype='uint16', scale=1 / 2560, unit='1/2560 m')
FILES = dict(
    rgb=Official(Folder(channels=3), read_color, ['{split}/rgb/{name}']),
    thermal=Official(Folder(), read_gray, ['{split}/thermal/{name}']),
    thermal_raw=Official(
        Folder(dtype='uint16'), read_gray, ['{split}/thermal_raw/{name}']
    ),
    depth=Official(DEPTH, read_gray, ['{split}/depth/{name}']),
    label=Official(
        Folder(kind='label', num_classes=K),
        partial(read_label, low=0, high=K - 1, classes=K),
        ['{split}/labels/{name}'],
    ),
)


def plan(source: Path) -> Plan:
    """Find the samples of both folders."""
    return plan_aligned(
        'PST900',
        source,
        FILES,
        SPLITS,
        COLORS,
        nested='PST900_RGBT_Dataset',
        plausible=ANYWHERE,
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    return run(parse_args(argv), plan)


if __name__ == '__main__':
    sys.exit(main())
