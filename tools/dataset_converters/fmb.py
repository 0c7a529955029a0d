"""Prepare FMB (RGB and infrared images of streets, 14 classes).

python tools/dataset_converters/fmb.py FMB data/fmb

The download (https://github.com/JinyuanLiu-CV/SegMiF) has
{train,test}/{Visible,Infrared,Label}/*.png; of Label, 1..14 are the classes and 0 is
unlabeled. Written are rgb/, thermal/ (one channel), label/ (0..13, 255 is void) and the
lists train.txt and test.txt; `--check` verifies such a folder. The authors have no
validation list.
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

from mmseg_cen.datasets.fmb import COLORS
from mmseg_cen.door import as_tool
from mmseg_cen.preparation import Folder, Plan, run

SPLITS = dict(train=1220, test=280)
K = len(COLORS)
FILES = dict(
    rgb=Official(Folder(channels=3), read_color, ['{split}/Visible/{name}']),
    thermal=Official(Folder(), read_gray, ['{split}/Infrared/{name}']),
    label=Official(
        Folder(kind='label', num_classes=K, ignore_index=255),
        partial(read_label, low=0, high=K, classes=K, void=255),
        ['{split}/Label/{name}'],
    ),
)


def plan(source: Path) -> Plan:
    """Find the samples of both folders."""
    return plan_aligned('FMB', source, FILES, SPLITS, COLORS, nested='FMB')


@as_tool
def main(argv: list[str] | None = None) -> int:
    return run(parse_args(argv), plan)


if __name__ == '__main__':
    sys.exit(main())
