"""Prepare NYU Depth V2.

python tools/dataset_converters/nyudv2.py DOWNLOAD data/nyudv2 [--crop] [--jobs N]
python tools/dataset_converters/nyudv2.py data/nyudv2 --check

DOWNLOAD is a folder with `nyu_depth_v2_labeled.mat`, `splits.mat` and
`classMapping40.mat` (or the first of them), or one in the layout of the released code:
`train.txt` and `val.txt` with lines of tab-separated paths of image, labels and depth.

Written are `rgb` (PNG), `depth` (in-painted) and `depth_raw` in 1/5000 m, `label` with
40 classes (255 is void), `label13` likewise, and `label894` as it is (0 is void).
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common_options import make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument(
        '--crop', action='store_true', help='cut the white border: 427x561'
    )
    parser.add_argument(
        '--reduce-zero-label',
        action='store_true',
        help='released layout: labels are 1..40, 0 is void',
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import numpy as np
from numpy.typing import NDArray
from nyudv2_released import DEPTH, OFFICIAL, PER_METER, VALID, VOID, plan_released

from mmseg_cen.datasets import NYUDv2Dataset
from mmseg_cen.door import as_tool
from mmseg_cen.preparation import (
    READ_ERRORS,
    Folder,
    Plan,
    Sample,
    check_labels,
    run,
)
from mmseg_cen.preparation.matlab import load_integers, open_hdf5

IMAGES = 'nyu_depth_v2_labeled.mat'
WHERE = {
    IMAGES: 'https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html (labeled dataset)',
    'splits.mat': 'https://horatio.cs.nyu.edu/mit/silberman/indoor_seg_sup/splits.mat',
    'classMapping40.mat': 'https://people.eecs.berkeley.edu/~sgupta/cvpr13/ '
    '(metadata of the code)',
}
NUM_CLASSES = 894

# Class of 13 for each of the 40, from 1, as in class13Mapping.mat of the authors of
# SceneNet. The 13 are bed, books, ceiling, chair, floor, furniture, objects, picture,
# sofa, table, tv, wall and window ("Indoor Semantic Segmentation using Depth
# Information", Couprie et al., ICLR 2013).
FROM_40_TO_13 = (
    12, 5, 6, 1, 4, 9, 10, 12, 13, 6, 8, 6, 13, 10, 6, 13, 6, 7, 7, 5,
    7, 3, 2, 6, 11, 7, 7, 7, 7, 7, 7, 6, 7, 7, 7, 7, 7, 7, 6, 7,
)  # fmt: skip


def encode_depth(meters: NDArray[Any]) -> NDArray[np.uint16]:
    """Meters to fifths of a millimeter; values not positive or not finite become 0.

    Beyond 13.107 m, which no sensor of the data set reaches, depth saturates.
    """
    meters = np.nan_to_num(meters.astype(np.float64), nan=0, posinf=0, neginf=0)
    return np.rint(meters * PER_METER).clip(0, 65535).astype(np.uint16)


@dataclass
class MatReader:
    """Read one sample of `nyu_depth_v2_labeled.mat`.

    Args:
        path: The file, HDF5: MATLAB's axes are reversed, (N, 3, W, H) and (N, W, H).
        to_40: Class 1..40 of each of the 894, which are numbered from 1; index 0 is
            void.
        crop: Whether to leave out the white border.
    """

    path: str
    to_40: NDArray[np.uint8]
    crop: bool = False

    def __call__(self, sample: Sample) -> dict[str, NDArray[Any]]:
        """Arrays of the sample, whose ``source`` is its index from 0."""
        with open_hdf5(self.path) as file:
            raw = {
                key: file[key][sample.source]
                for key in ('images', 'depths', 'rawDepths', 'labels')
            }
        labels = raw['labels'].T
        highest = len(self.to_40) - 1
        check_labels(self.path, labels, 0, highest)
        forty = self.to_40[labels]
        thirteen = np.array([0, *FROM_40_TO_13], np.uint8)[forty]
        arrays = dict(
            rgb=raw['images'].transpose(2, 1, 0)[..., ::-1],
            depth=encode_depth(raw['depths'].T),
            depth_raw=encode_depth(raw['rawDepths'].T),
            label=forty - np.uint8(1),  # void, 0, becomes 255
            label13=thirteen - np.uint8(1),
            label894=labels.astype(np.uint16),
        )
        return {name: self._cut(array) for name, array in arrays.items()}

    def _cut(self, array: NDArray[Any]) -> NDArray[Any]:
        if not self.crop:
            return array
        if array.shape[:2] != (480, 640):
            raise ValueError(
                'images must be 480x640 for their white border to be known, got '
                f'{array.shape[:2]}: leave --crop out'
            )
        return array[VALID]


def find_files(source: Path) -> dict[str, Path]:
    """Path of each official file, whether it exists or not."""
    folder = source.parent if source.is_file() else source
    files = {name: folder / name for name in WHERE}
    if source.is_file():
        files[IMAGES] = source
    return files


def read_splits(path: Path) -> dict[str, list[int]]:
    """Indices from 1 of the images of each list."""
    lists = load_integers(path, ['trainNdxs', 'testNdxs'])
    return dict(train=lists['trainNdxs'].tolist(), val=lists['testNdxs'].tolist())


def read_mapping(path: Path) -> NDArray[np.uint8]:
    """Class 1..40 of each of the 894 classes, numbered from 1; index 0 is void."""
    mapping = load_integers(path, ['mapClass'])['mapClass']
    if mapping.size != NUM_CLASSES or mapping.min() < 1 or mapping.max() > 40:
        values = f', within {mapping.min()}..{mapping.max()}' if mapping.size else ''
        raise ValueError(
            f'{path}: `mapClass` must hold 1..40 for each of {NUM_CLASSES} classes, '
            f'got {mapping.size} values{values}: download the official file'
        )
    return np.concatenate([[0], mapping]).astype(np.uint8)


def plan_mat(source: Path, crop: bool = False) -> Plan:
    """Plan the conversion of `nyu_depth_v2_labeled.mat`."""
    files = find_files(source)
    problems = [
        f'{path} is missing; it comes from {WHERE[name]}'
        for name, path in files.items()
        if not path.is_file()
    ]
    sizes: dict[str, tuple[int, ...]] = {}
    splits: dict[str, list[int]] = dict(train=[], val=[])
    to_40 = np.zeros(1, np.uint8)
    if not problems:
        try:
            to_40 = read_mapping(files['classMapping40.mat'])
            sizes = read_sizes(files[IMAGES])
            splits = read_splits(files['splits.mat'])
        except READ_ERRORS as error:
            problems.append(str(error))
    if len(set(sizes.values())) > 1:
        problems.append(f'{IMAGES}: arrays must agree in size (N, W, H), got {sizes}')
        splits = dict(train=[], val=[])
    count = next(iter(sizes.values()))[0] if sizes else 0
    beyond = [i for split in splits.values() for i in split if not 0 < i <= count]
    if beyond and not problems:
        problems.append(
            f'the lists of splits.mat must be images 1..{count} of {IMAGES}, got '
            f'{len(beyond)} others: {beyond[:10]}'
        )
    both = sorted(set(splits['train']) & set(splits['val']))
    if both:
        problems.append(f'splits.mat has images in both lists: {both[:10]}')
    samples = [
        Sample(f'{i:06d}', split, source=i - 1)
        for split, indices in splits.items()
        for i in indices
        if i not in beyond and not (i in both and split == 'val')
    ]
    void = dict(kind='label', ignore_index=VOID)
    unused = count - len(samples)
    return Plan(
        dataset='NYUDv2',
        folders=dict(
            rgb=Folder(channels=3),
            depth=DEPTH,
            depth_raw=DEPTH,
            label=Folder(num_classes=40, **void),
            label13=Folder(num_classes=13, **void),
            label894=Folder(kind='label', dtype='uint16', num_classes=len(to_40)),
        ),
        samples=samples,
        convert=MatReader(str(files[IMAGES]), to_40, crop),
        splits=OFFICIAL,
        sources=[str(path) for path in files.values() if path.is_file()],
        options=dict(crop=crop),
        classes=NYUDv2Dataset.METAINFO['classes'],
        palette=NYUDv2Dataset.METAINFO['palette'],
        warnings=[f'{unused} images are in no list'] if unused > 0 else [],
        problems=problems,
    )


def read_sizes(path: Path) -> dict[str, tuple[int, ...]]:
    """(N, W, H) of every array of `nyu_depth_v2_labeled.mat`."""
    with open_hdf5(path) as file:
        wanted = ('images', 'depths', 'rawDepths', 'labels')
        if absent := [key for key in wanted if key not in file]:
            raise ValueError(
                f'{path} must hold {list(wanted)}, got no {absent}: download it again'
            )
        shapes = {key: tuple(file[key].shape) for key in wanted}
        types = {key: file[key].dtype for key in wanted}
    for key in wanted:
        if (types[key].kind in 'ui') != (key in ('images', 'labels')):
            raise ValueError(
                f'{path}: `images` and `labels` must be integers, `depths` and '
                f'`rawDepths` floats, got {key} of {types[key]}: download it again'
            )
    n, *channels = shapes['images'][:2]
    if channels != [3]:
        raise ValueError(
            f'{path}: `images` must be (N, 3, W, H), got {shapes["images"]}: download '
            'it again'
        )
    return {**shapes, 'images': (n, *shapes['images'][2:])}


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)

    def plan(source: Path) -> Plan:
        if (source / 'train.txt').is_file() and not (source / IMAGES).is_file():
            if args.crop:
                raise ValueError(
                    f'`--crop` must be left out for the released layout, got {source}: '
                    'name the official download'
                )
            return plan_released(source, args.reduce_zero_label)
        return plan_mat(source, args.crop)

    return run(args, plan)


if __name__ == '__main__':
    sys.exit(main())
