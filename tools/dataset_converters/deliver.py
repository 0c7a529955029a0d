"""Prepare DeLiVER (RGB, depth, events and LiDAR of driving scenes, 25 classes).

python tools/dataset_converters/deliver.py DELIVER data/deliver

The download (https://github.com/jamycheung/DELIVER) has the folders img, hha, depth,
event, lidar and semantic, each with files that are named
{condition}/{split}/{scene}/{number}_{content}_{view}.png. Written are rgb/, depth/,
event/, lidar/, label/ and the lists; `--check` verifies such a folder. The official
code trains with the same values:

- opacity is left out and a single channel repeated, so all have three;
- events of another size, such as low resolution, are resized (nearest);
- labels are the red channel of semantic/: 1..25 become 0..24, 0 and 255 become 255.

`--depth` chooses what is written as depth/: `hha`, by default if there is such a
folder; `depth`, the pixels of that folder as they are; or `carla`, which decodes depth/
from the 24 bits of CARLA's depth camera to uint16 in 1/64 m.
"""

import argparse
import re
import sys
from functools import partial
from pathlib import Path

from common_options import make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument(
        '--depth',
        choices=('hha', 'depth', 'carla'),
        help='what to write as depth/; default: hha if there is such a folder',
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import numpy as np

from mmseg_cen import disk
from mmseg_cen.datasets.deliver import CASES, COLORS, CONDITIONS
from mmseg_cen.door import as_tool
from mmseg_cen.plausibility import STREETS
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    check_labels,
    read_image,
    read_indices,
    run,
    three_channels,
)
from mmseg_cen.transforms.sampling import resize_nearest

SPLITS = dict(train=3983, val=2005, test=1897)
# Official folder of each folder that is written, and the content in its file names.
SOURCES = dict(
    rgb=('img', 'rgb'),
    event=('event', 'event'),
    lidar=('lidar', 'lidar'),
    label=('semantic', 'semantic'),
)
IMAGE = Folder(channels=3)
LABEL = Folder(kind='label', num_classes=len(COLORS), ignore_index=255)
METERS = Folder(kind='depth', dtype='uint16', scale=1 / 64, unit='1/64 m')
STORED = Folder(kind='depth', dtype='uint16', unit='as in the download')


def decode_carla(image: np.ndarray) -> np.ndarray:
    """Depth, uint16 in 1/64 m, of an image of CARLA's depth camera, BGR.

    Red, green and blue are the digits, the lowest first, of a number of 24 bits, whose
    highest value means 1000 m (CARLA documentation, "Depth camera").
    """
    blue, green, red = np.moveaxis(image[..., :3].astype(np.float64), -1, 0)
    meters = (red + 256 * green + 256**2 * blue) / (256**3 - 1) * 1000
    return np.round(meters * 64).astype(np.uint16)


def convert(sample: Sample) -> dict[str, np.ndarray]:
    """Arrays of one sample as the official code trains with them."""
    paths = dict(zip((*SOURCES, 'depth'), sample.inputs, strict=True))
    labels = np.atleast_3d(read_indices(paths['label']))[..., 0]
    check_labels(paths['label'], labels, 0, len(COLORS), 255)
    arrays = {name: read_image(path) for name, path in paths.items() if name != 'label'}
    height, width = arrays['rgb'].shape[:2]
    if arrays['event'].shape[:2] != (height, width):
        arrays['event'] = resize_nearest(arrays['event'], (width, height))
    depth = arrays['depth']
    if sample.source == 'carla':
        if depth.dtype != np.uint8 or depth.ndim != 3:
            raise ValueError(
                f'{paths["depth"]} must hold three channels of 8 bits, as '
                f"CARLA's depth camera has, got {depth.dtype} of shape {depth.shape}: "
                'choose --depth depth'
            )
        depth = decode_carla(depth)
    elif depth.dtype == np.uint8:
        depth = three_channels(depth)
    if labels.dtype != np.uint8:
        raise ValueError(
            f'{paths["label"]} must hold uint8, got {labels.dtype}: download it again'
        )
    return dict(
        rgb=three_channels(arrays['rgb']),
        depth=depth,
        event=three_channels(arrays['event']),
        lidar=three_channels(arrays['lidar']),
        label=np.where(labels == 255, 0, labels).astype(np.uint8) - np.uint8(1),
    )


def find_files(folder: Path, content: str) -> dict[str, str]:
    """Path below ``folder`` of each of its images, by stem without the content."""
    stems = {}
    for path in disk.find_files(folder) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        if name.count('/') != 3 or path.suffix != '.png':
            continue
        stem = re.sub(rf'_{content}(?=_[^/]*$|\.png$)', '', name).removesuffix('.png')
        stems[stem] = name
    return stems


def plan(source: Path, depth: str | None = None) -> Plan:
    """Find the samples: every image of any of the folders must be in all of them."""
    nested = source / 'DELIVER'
    source = nested if nested.is_dir() else source
    warnings, problems = [], []
    if depth is None:
        depth = 'hha' if (source / 'hha').is_dir() else 'depth'
        if depth == 'depth':
            warnings.append('no folder hha/: depth/ is taken as it is, see --depth')
    folder = 'hha' if depth == 'hha' else 'depth'
    sources = {**SOURCES, 'depth': (folder, 'depth')}
    found: dict[str, dict[str, str]] = {}
    for name, (official, content) in sources.items():
        if not (source / official).is_dir():
            problems.append(f'the folder {source / official} is missing')
        found[name] = find_files(source / official, content)
    samples = []
    for stem in sorted(set().union(*found.values())):
        condition, split, scene, number = stem.split('/')
        if condition not in CONDITIONS or split not in SPLITS:
            problems.append(
                f'folders must be one of {", ".join(CONDITIONS)} and below one of '
                f'{", ".join(SPLITS)}, got {stem}'
            )
            continue
        frame, _, view = number.partition('_')
        inputs = []
        for name, (official, content) in sources.items():
            expected = f'{condition}/{split}/{scene}/{frame}_{content}' + (
                f'_{view}.png' if view else '.png'
            )
            inputs.append(str(source / official / found[name].get(stem, expected)))
        failure = re.search('|'.join(CASES), scene)
        case = failure[0] if failure else 'normal'
        groups = dict(condition=condition, case=case)
        samples.append(Sample(stem, split, depth, tuple(inputs), groups))
    return Plan(
        'DeLiVER',
        dict(
            rgb=IMAGE,
            depth=depth_folder(depth, samples),
            event=IMAGE,
            lidar=IMAGE,
            label=LABEL,
        ),
        samples,
        convert,
        SPLITS,
        options=dict(depth=depth),
        classes=list(COLORS),
        palette=list(COLORS.values()),
        warnings=warnings,
        problems=problems,
        plausible=STREETS,
    )


def depth_folder(depth: str, samples: list[Sample]) -> Folder:
    """Contents of depth/; if it is kept as stored, the first readable file decides."""
    if depth == 'carla':
        return METERS
    for sample in samples:
        try:
            sixteen_bits = read_image(sample.inputs[-1]).dtype == np.uint16
        except (OSError, ValueError):
            continue  # reported when it is converted
        return STORED if sixteen_bits else IMAGE
    return IMAGE


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, partial(plan, depth=args.depth))


if __name__ == '__main__':
    sys.exit(main())
