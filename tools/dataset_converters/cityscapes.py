"""Prepare Cityscapes with depth.

python tools/dataset_converters/cityscapes.py DOWNLOAD data/cityscapes_rgbd [--jobs N]
python tools/dataset_converters/cityscapes.py data/cityscapes_rgbd --check

DOWNLOAD is a folder with `leftImg8bit/`, `disparity/`, `camera/` and `gtFine/`, the
unpacked files of these names from https://www.cityscapes-dataset.com. `train` and `val`
are read: the labels of `test` are not public.

Written are `rgb` (the PNG files as they are), `depth` in 1 cm, with --inverse-depth
`inverse_depth` in 1e-5/m, too, and `label` with 19 classes (255 is void). Depth is
baseline * focal length / disparity of the camera of each image; it is 0 where there is
no disparity, and saturates at 655.35 m.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from common_options import make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument(
        '--inverse-depth', action='store_true', help='write `inverse_depth`, too'
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.datasets import CityscapesRGBDDataset
from mmseg_cen.disk import find_files, read_text
from mmseg_cen.door import as_tool
from mmseg_cen.plausibility import STREETS
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    read_image,
    read_indices,
    run,
)

OFFICIAL = dict(train=2975, val=500)
SUFFIXES = dict(
    leftImg8bit='_leftImg8bit.png',
    disparity='_disparity.png',
    camera='_camera.json',
    gtFine='_gtFine_labelIds.png',
)
# The label ids of the 19 classes that are evaluated, in their order.
EVALUATED = (
    7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33,
)  # fmt: skip
NUM_IDS, VOID = 34, 255
FOLDERS = dict(
    rgb=Folder(channels=3),
    depth=Folder(kind='depth', dtype='uint16', scale=1e-2, unit='1 cm'),
    inverse_depth=Folder(kind='depth', dtype='uint16', scale=1e-5, unit='1e-5/m'),
    label=Folder(kind='label', num_classes=len(EVALUATED), ignore_index=VOID),
)


def decode_disparity(stored: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Disparity in pixels from stored values, NaN where there is none (0)."""
    disparity = (stored.astype(np.float64) - 1) / 256
    return np.where(stored > 0, disparity, np.nan)


def encode(values: NDArray[np.float64], scale: float) -> NDArray[np.uint16]:
    """Multiples of ``scale``; NaN becomes 0, values beyond 16 bits saturate."""
    units = np.nan_to_num(values / scale, nan=0, posinf=65535)
    return np.rint(units.clip(0, 65535)).astype(np.uint16)


def read_camera(path: str) -> float:
    """Baseline times horizontal focal length: meters * pixels.

    Raises:
        ValueError: If the file is damaged.
    """
    try:
        camera = json.loads(read_text(path))
        product = float(camera['extrinsic']['baseline'] * camera['intrinsic']['fx'])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path} must hold extrinsic.baseline and intrinsic.fx, got {error!r}: '
            'download it again'
        ) from error
    if not 0 < product < np.inf:
        raise ValueError(
            f'{path}: baseline and fx must be positive, got a product of {product}: '
            'download it again'
        )
    return product


def read_labels(path: str) -> NDArray[np.uint8]:
    """Evaluated classes 0..18 and void of a file of label ids."""
    ids = read_indices(path)
    known = (ids < NUM_IDS) | (ids == VOID)
    if ids.ndim != 2 or ids.dtype != np.uint8 or not known.all():
        raise ValueError(
            f'{path}: label ids must be 0..{NUM_IDS - 1} (or {VOID}), one byte each, '
            f'got {ids.dtype} of shape {ids.shape} up to {ids.max()}: take the files '
            'of label ids'
        )
    train_ids = np.full(256, VOID, np.uint8)
    train_ids[list(EVALUATED)] = np.arange(len(EVALUATED))
    return np.asarray(train_ids[ids])


def convert(sample: Sample, inverse: bool) -> dict[str, Any]:
    """Read one sample."""
    rgb, disparity_path, camera, labels = sample.inputs
    stored = read_image(disparity_path)
    if stored.dtype != np.uint16 or stored.ndim != 2:
        raise ValueError(
            f'{disparity_path} must be uint16 with one channel, got {stored.dtype} of '
            f'shape {stored.shape}: download it again'
        )
    disparity, product = decode_disparity(stored), read_camera(camera)
    with np.errstate(divide='ignore'):
        depth = product / disparity
    arrays = dict(
        rgb=Path(rgb).read_bytes(), depth=encode(depth, 1e-2), label=read_labels(labels)
    )
    if inverse:
        arrays['inverse_depth'] = encode(disparity / product, 1e-5)
    return arrays


def plan(source: Path, inverse: bool) -> Plan:
    """Plan the conversion of every image that any of the four folders has."""
    problems = [
        f'{source / name} is missing: unpack {name} of Cityscapes there'
        for name in SUFFIXES
        if not (source / name).is_dir()
    ]
    samples = []
    for split in OFFICIAL if not problems else ():
        stems = sorted(
            {
                path.relative_to(source / name / split).as_posix().removesuffix(suffix)
                for name, suffix in SUFFIXES.items()
                for path in find_files(source / name / split)
                if path.name.endswith(suffix)
            }
        )
        samples += [
            Sample(
                stem,
                split,
                inputs=tuple(
                    str(source / name / split / f'{stem}{suffix}')
                    for name, suffix in SUFFIXES.items()
                ),
                groups=dict(city=stem.split('/')[0]),
            )
            for stem in stems
        ]
    return Plan(
        dataset='Cityscapes',
        folders={k: v for k, v in FOLDERS.items() if inverse or k != 'inverse_depth'},
        samples=samples,
        convert=partial(convert, inverse=inverse),
        splits=OFFICIAL,
        classes=CityscapesRGBDDataset.METAINFO['classes'],
        palette=CityscapesRGBDDataset.METAINFO['palette'],
        problems=problems,
        plausible=STREETS,
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, partial(plan, inverse=args.inverse_depth))


if __name__ == '__main__':
    sys.exit(main())
