r"""Prepare MUSES (camera, lidar, radar and events of streets, 19 classes).

python tools/dataset_converters/muses.py muses data/muses

The download (https://muses.ethz.ch) has frame_camera/, gt_semantic/, lidar/, radar/ and
event_camera/, each as {train,val,test}/{clear,fog,rain,snow}/{day,night}/*. Its SDK
(https://github.com/timbroed/MUSES) projects the sensors into the image first:

python scripts/project_sensors_to_rgb.py --muses_root muses --lidar --radar \
    --event_camera --motion_compensation --output_file_type .png

`.npz` and `.npy`, which the SDK can write, too, are read as well. Read are
frame_camera/, projected_to_rgb/{lidar,radar,event_camera}/ and gt_semantic/
(..._gt_labelTrainIds.png); written are rgb/, lidar/ and radar/ (16 bits as in the PNG
files of the SDK, (value + 100) * 150), event/ (8 bits), label/ (0..18, 255 is void) and
the lists; `--check` verifies such a folder. Where the labels of the test are not at
hand, they are void.
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

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from aligned_files import Array, Official, plan_aligned, read_color, read_label

from mmseg_cen.datasets.muses import SCALE, SHIFT, TIMES, WEATHER, MUSESDataset
from mmseg_cen.door import as_tool
from mmseg_cen.preparation import Folder, Plan, read_image, run
from mmseg_cen.transforms.decoding import decode

SPLITS = dict(train=1500, val=250, test=750)
META = MUSESDataset.METAINFO
COLORS = dict(zip(META['classes'], META['palette'], strict=True))
K = len(COLORS)


def read_projection(path: str) -> Array:
    """What the SDK projected, (H, W, 3) as it stores it; of a PNG file, blue first.

    Raises:
        ValueError: If the file is damaged, or has another number of channels.
    """
    if path.endswith('.npz'):
        try:
            image = decode(Path(path).read_bytes(), '.npz')
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
    else:
        image = read_image(path)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f'{path} must have 3 channels, got an array of shape {image.shape}: '
            'project the sensor again'
        )
    return image


def read_points(path: str) -> Array:
    """Range, intensity and height of lidar or radar, as (value + 100) * 150, uint16.

    Raises:
        ValueError: If the file is not as the SDK writes it.
    """
    image = read_projection(path)
    if image.dtype.kind == 'f':
        # Truncated as in `rescale_and_shift_image` of the SDK.
        stored = (image.astype(np.float32) + SHIFT) * SCALE
        if not ((stored >= 0) & (stored < 2**16)).all():
            raise ValueError(
                f'{path} must hold {-SHIFT}..{2**16 / SCALE - SHIFT:.0f}, got '
                f'{image.min()}..{image.max()}: project the sensor again'
            )
        return stored.astype(np.uint16)
    if image.dtype != np.uint16:
        raise ValueError(
            f'{path} must hold uint16 or floats, got {image.dtype}: project the '
            'sensor again'
        )
    return image


def read_events(path: str) -> Array:
    """Counts of brighter and darker events, and zeros, uint8 (H, W, 3).

    Raises:
        ValueError: If the file is not as the SDK writes it.
    """
    image = read_projection(path)
    if image.dtype != np.uint8:
        raise ValueError(
            f'{path} must hold uint8, got {image.dtype}: project the events again'
        )
    return image


def sensor(folder: Folder, read: Callable[[str], Array], name: str) -> Official:
    """The projections of one sensor."""
    return Official(
        folder,
        read,
        [f'projected_to_rgb/{name}/{{split}}/{{name}}_{name}'],
        ends=['.png', '.npz', '.npy'],
    )


POINTS = Folder(kind='values', dtype='uint16', channels=3, scale=1 / SCALE)
FILES = dict(
    rgb=Official(
        Folder(channels=3), read_color, ['frame_camera/{split}/{name}_frame_camera']
    ),
    lidar=sensor(POINTS, read_points, 'lidar'),
    radar=sensor(POINTS, read_points, 'radar'),
    event=sensor(Folder(channels=3), read_events, 'event_camera'),
    label=Official(
        Folder(kind='label', num_classes=K, ignore_index=255),
        partial(read_label, low=0, high=K - 1, classes=K, void=255),
        ['gt_semantic/{split}/{name}_gt_labelTrainIds'],
    ),
)


def groups_of(stem: str) -> dict[str, str]:
    """Weather and time of day of a sample.

    Raises:
        ValueError: If the folders are not the official ones.
    """
    _, *folders = stem.split('/')[:-1]
    if len(folders) != 2 or folders[0] not in WEATHER or folders[1] not in TIMES:
        raise ValueError(
            f'folders must be one of {", ".join(WEATHER)} and below one of '
            f'{", ".join(TIMES)}, got {stem}'
        )
    return dict(weather=folders[0], time=folders[1])


def plan(source: Path) -> Plan:
    """Find the samples of all lists."""
    source = source / 'muses' if (source / 'muses').is_dir() else source
    files, warnings = dict(FILES), []
    if not (source / 'gt_semantic' / 'test').is_dir():
        files['label'] = replace(FILES['label'], optional=['test'])
        warnings.append('no labels of the test are at hand: they are written as void')
    return plan_aligned(
        'MUSES',
        source,
        files,
        SPLITS,
        COLORS,
        groups=groups_of,
        warnings=warnings,
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    return run(parse_args(argv), plan)


if __name__ == '__main__':
    sys.exit(main())
