"""Prepare KITTI-360 (RGB and depth of the laser scanner, 19 classes).

python tools/dataset_converters/kitti360.py KITTI-360 data/kitti360

DOWNLOAD (https://www.cvlibs.net/datasets/kitti-360/) has, of the left camera, image_00:

data_2d_raw/{drive}/image_00/data_rect/{frame}.png
data_2d_semantics/train/{drive}/image_00/semantic/{frame}.png
data_2d_semantics/train/2013_05_28_drive_{train,val}_frames.txt
data_3d_raw/{drive}/velodyne_points/data/{frame}.bin
calibration/{calib_cam_to_velo,perspective}.txt

Written are rgb/ (the PNG files as they are), depth/ (distance along the optical axis of
the points of one scan, 1 cm, 0 where none falls), label/ (0..18, 255 is void; garage is
building, gate is fence, smallpole is pole, as in the official list) and the lists train
and val; `--check` verifies such a folder. The motion of the car during a scan is not
compensated.
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

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.datasets import KITTI360Dataset
from mmseg_cen.disk import read_text
from mmseg_cen.door import as_tool
from mmseg_cen.plausibility import STREETS
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    check_labels,
    read_image,
    read_indices,
    read_list,
    run,
)

SPLITS = dict(train=49004, val=12276)
NUM_IDS, VOID = 45, 255
# Label ids of each class, in the order of Cityscapes (kitti360scripts, labels.py).
IDS = (
    (7,), (8,), (11, 34), (12,), (13, 35), (17, 37), (19,), (20,), (21,), (22,), (23,),
    (24,), (25,), (26,), (27,), (28,), (31,), (32,), (33,),
)  # fmt: skip
FOLDERS = dict(
    rgb=Folder(channels=3),
    depth=Folder(kind='depth', dtype='uint16', scale=1e-2, unit='1 cm'),
    label=Folder(kind='label', num_classes=len(IDS), ignore_index=VOID),
)
FROM_SCANNER, CAMERA = 'calib_cam_to_velo.txt', 'perspective.txt'
Matrix = NDArray[np.float64]


def read_matrix(path: Path, shape: tuple[int, int], name: str | None = None) -> Matrix:
    """A matrix of a calibration file: all numbers, or those of the line ``name:``.

    Raises:
        ValueError: If it is not there.
    """
    text = read_text(path)
    if name is not None:
        lines = (line for line in text.split('\n') if line.startswith(f'{name}:'))
        text = next(lines, '').removeprefix(f'{name}:')
    try:
        return np.array(text.split(), np.float64).reshape(shape)
    except ValueError as error:
        what = 'the file' if name is None else f'the line {name}'
        raise ValueError(
            f'{path} must have {shape[0]}x{shape[1]} numbers in {what}, got '
            f'{text.strip()!r}: download it again'
        ) from error


def read_projection(calibration: Path) -> Matrix:
    """Matrix (3, 4) from points of the scanner to pixels times depth of the camera.

    Points go from the scanner to the camera, are rectified, and are projected
    (kitti360scripts, kitti360Viewer3DRaw.py).

    Raises:
        ValueError: If a file of the calibration is damaged.
    """
    camera_to_scanner = np.vstack(
        [read_matrix(calibration / FROM_SCANNER, (3, 4)), [0, 0, 0, 1]]
    )
    rectify = np.eye(4)
    rectify[:3, :3] = read_matrix(calibration / CAMERA, (3, 3), 'R_rect_00')
    project = read_matrix(calibration / CAMERA, (3, 4), 'P_rect_00')
    return np.asarray(project @ rectify @ np.linalg.inv(camera_to_scanner))


def project_points(
    points: NDArray[np.float32], projection: Matrix, size: tuple[int, int]
) -> NDArray[np.uint16]:
    """Depth (H, W) in cm of the nearest point on each pixel, 0 without one.

    The center of the first pixel is 0, as for the official camera: coordinates are
    rounded.

    Args:
        points: (N, 4), whose first three columns are meters in the scanner's frame.
        projection: (3, 4), from :func:`read_projection`.
        size: Height and width of the image.
    """
    height, width = size
    homogeneous = np.c_[points[:, :3].astype(np.float64), np.ones(len(points))]
    x, y, depth = projection @ homogeneous.T
    ahead = depth > 0.01
    depth = depth[ahead]
    x, y = np.rint(x[ahead] / depth), np.rint(y[ahead] / depth)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    u, v = x[inside].astype(np.int64), y[inside].astype(np.int64)
    stored = np.rint(depth[inside] * 100).clip(0, 65534).astype(np.uint16)
    image = np.full((height, width), 65535, np.uint16)
    np.minimum.at(image, (v, u), stored)
    image[image == 65535] = 0
    return image


def read_points(path: str) -> NDArray[np.float32]:
    """Points (N, 4) of a scan: x, y, z in meters, and reflectance.

    Raises:
        ValueError: If the file is truncated.
    """
    values = np.fromfile(path, np.float32)
    if values.size == 0 or values.size % 4:
        raise ValueError(
            f'{path} must hold four float32 for each point, got {values.size} in all: '
            'download it again'
        )
    return values.reshape(-1, 4)


def read_classes(path: str) -> NDArray[np.uint8]:
    """Evaluated classes 0..18 and void of a file of label ids.

    Raises:
        ValueError: If the file is damaged, or has other labels.
    """
    ids = read_indices(path)
    if ids.ndim != 2 or ids.dtype != np.uint8:
        raise ValueError(
            f'{path} must have label ids of one byte each, got {ids.dtype} of shape '
            f'{ids.shape}: take the folder semantic/'
        )
    check_labels(path, ids, 0, NUM_IDS - 1, VOID)
    classes = np.full(256, VOID, np.uint8)
    for k, of_class in enumerate(IDS):
        classes[list(of_class)] = k
    return np.asarray(classes[ids])


def convert(sample: Sample, projection: Matrix) -> dict[str, Any]:
    """Read one sample."""
    rgb, points, labels = sample.inputs
    height, width = read_image(rgb).shape[:2]
    return dict(
        rgb=Path(rgb).read_bytes(),
        depth=project_points(read_points(points), projection, (height, width)),
        label=read_classes(labels),
    )


def plan(source: Path) -> Plan:
    """Find the samples of the lists."""
    source = source / 'KITTI-360' if (source / 'KITTI-360').is_dir() else source
    semantics = source / 'data_2d_semantics' / 'train'
    lists = {s: semantics / f'2013_05_28_drive_{s}_frames.txt' for s in SPLITS}
    needed = [*lists.values()]
    needed += [source / 'calibration' / name for name in (FROM_SCANNER, CAMERA)]
    problems = [f'{path} is missing' for path in needed if not path.is_file()]
    samples = []
    for split, path in lists.items() if not problems else ():
        for line in read_list(path):
            # data_2d_raw/{drive}/image_00/data_rect/{frame}.png, and that of the labels
            parts = line.split()[0].split('/')
            if len(parts) != 5 or parts[2] != 'image_00':
                problems.append(
                    f'{path}: lines must begin with data_2d_raw/DRIVE/image_00/'
                    f'data_rect/FRAME.png, got {line}'
                )
                continue
            drive, frame = parts[1], Path(parts[4]).stem
            scans = source / 'data_3d_raw' / drive / 'velodyne_points' / 'data'
            inputs = (
                source / 'data_2d_raw' / drive / 'image_00/data_rect' / f'{frame}.png',
                scans / f'{frame}.bin',
                semantics / drive / 'image_00/semantic' / f'{frame}.png',
            )
            groups = dict(drive=drive.removesuffix('_sync')[-4:])
            paths = tuple(map(str, inputs))
            samples.append(Sample(f'{drive}/{frame}', split, None, paths, groups))
    projection = np.eye(3, 4)
    if not problems:
        projection = read_projection(source / 'calibration')
    return Plan(
        'KITTI-360',
        FOLDERS,
        samples,
        partial(convert, projection=projection),
        SPLITS,
        sources=[str(path) for path in needed[2:]] if not problems else [],
        options=dict(first_center=0),  # what has none was written by an earlier version
        classes=KITTI360Dataset.METAINFO['classes'],
        palette=KITTI360Dataset.METAINFO['palette'],
        problems=problems,
        plausible=STREETS,
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    return run(parse_args(argv), plan)


if __name__ == '__main__':
    sys.exit(main())
