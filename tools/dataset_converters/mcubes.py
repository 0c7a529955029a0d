"""Prepare MCubeS (RGB, polarization and near infrared of streets, 20 materials).

python tools/dataset_converters/mcubes.py multimodal_dataset data/mcubes

The download (https://github.com/kyotovision-public/multimodal-material-segmentation)
has polL_color/*.png, {polL_aolp_sin,polL_aolp_cos,polL_dolp}/*.npy, NIR_warped/*.png,
GT/*.png and the lists list_folder/{train,val,test}.txt. Written are rgb/, aolp/ (sine
and cosine, .npy), dolp/ (.npy), nir/ (16 bits), label/ (0..19, 255 is void) and the
lists; `--check` verifies such a folder.

As in the official code, the 192 columns at the left, which the near infrared camera
does not see, are cut. NIR_warped_mask is not read: the official loss leaves its pixels
out, the official measurement counts them.
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

import numpy as np
from aligned_files import (
    Array,
    Official,
    plan_aligned,
    read_color,
    read_gray,
    read_label,
)

from mmseg_cen.datasets.mcubes import COLORS
from mmseg_cen.door import as_tool
from mmseg_cen.preparation import Folder, Plan, read_image, run

SPLITS = dict(train=302, val=96, test=102)
LEFT = 192  # columns
K = len(COLORS)


def color(path: str) -> Array:
    """The color image, BGR (H, W - 192, 3)."""
    return read_color(path)[:, LEFT:]


def floats(*paths: str) -> Array:
    """Arrays of floats, side by side as channels (H, W - 192[, C]).

    Raises:
        ValueError: If a file is damaged, has no floats, NaN or several channels.
    """
    arrays = [read_image(path) for path in paths]
    for path, array in zip(paths, arrays, strict=True):
        if array.ndim != 2 or array.dtype.kind != 'f' or not np.isfinite(array).all():
            raise ValueError(
                f'{path} must hold finite floats (H, W), got {array.dtype} of shape '
                f'{array.shape}, or NaN: download it again'
            )
    whole = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=-1)
    return whole[:, LEFT:].astype(np.float32)


def infrared(path: str) -> Array:
    """The near infrared image, uint16 (H, W - 192); 8 bits become 16."""
    image = read_gray(path)[:, LEFT:]
    return image.astype(np.uint16) * 257 if image.dtype == np.uint8 else image


def label(path: str) -> Array:
    """Materials (H, W - 192), 255 where there is none."""
    return read_label(path, low=0, high=K - 1, classes=K, void=255)[:, LEFT:]


VALUES = partial(Folder, kind='values', suffix='.npy', dtype='float32')
FILES = dict(
    rgb=Official(Folder(channels=3), color, ['polL_color/{name}']),
    aolp=Official(
        VALUES(channels=2),
        floats,
        ['polL_aolp_sin/{name}', 'polL_aolp_cos/{name}'],
        ends=['.npy'],
    ),
    dolp=Official(VALUES(), floats, ['polL_dolp/{name}'], ends=['.npy']),
    nir=Official(Folder(dtype='uint16'), infrared, ['NIR_warped/{name}']),
    label=Official(
        Folder(kind='label', num_classes=K, ignore_index=255), label, ['GT/{name}']
    ),
)


def plan(source: Path) -> Plan:
    """Find the samples of the lists."""
    return plan_aligned(
        'MCubeS',
        source,
        FILES,
        SPLITS,
        COLORS,
        nested='multimodal_dataset',
        stem='{name}',
        lists='list_folder/{split}.txt',
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    return run(parse_args(argv), plan)


if __name__ == '__main__':
    sys.exit(main())
