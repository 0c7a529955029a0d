"""Prepare SUN RGB-D.

python tools/dataset_converters/sunrgbd.py DOWNLOAD data/sunrgbd [--jobs N]
python tools/dataset_converters/sunrgbd.py data/sunrgbd --check

DOWNLOAD is a folder with `SUNRGBD.zip`, or what is in it as `SUNRGBD/`, and with
`SUNRGBDtoolbox/`, from https://rgbd.cs.princeton.edu (Data and Annotation). Of the
toolbox, `SUNRGBDMeta.mat`, `SUNRGBD2Dseg.mat` and `allsplit.mat` are read; they may
lie in DOWNLOAD itself, too, or SUNRGBDtoolbox/ beside kv1/, kv2/ and the others.

Written are `rgb` (the JPEG files as they are), `depth` (depth_bfx, in-painted) and
`depth_raw` in 1 mm, and `label` with 37 classes (255 is void). A sample is named by its
sequence, which begins with its camera: kv1, kv2, realsense or xtion.
"""

import os
import sys
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.datasets import SUNRGBDDataset
from mmseg_cen.launch import exit_on_user_error
from mmseg_cen.preparation import (
    READ_ERRORS,
    Folder,
    Plan,
    Sample,
    decode_complete,
    make_parser,
    run,
)
from mmseg_cen.preparation.matlab import load_mat, open_hdf5

OFFICIAL = dict(train=5285, val=5050)
NUM_CLASSES, VOID = 37, 255
TOOLBOX = 'https://rgbd.cs.princeton.edu/data/SUNRGBDtoolbox.zip'
IMAGES = 'https://rgbd.cs.princeton.edu/data/SUNRGBD.zip'
# The later releases list the same samples in the same order.
META = ('SUNRGBDMeta.mat', 'SUNRGBDMeta2DBB_v2.mat', 'SUNRGBDMeta3DBB_v2.mat')
PLACES = (
    '', 'Metadata', 'traintestSUNRGBD', 'SUNRGBDtoolbox', 'SUNRGBDtoolbox/Metadata',
    'SUNRGBDtoolbox/traintestSUNRGBD',
)  # fmt: skip
MILLIMETRES = Folder(kind='depth', dtype='uint16', scale=1e-3, unit='1 mm')


def decode_depth(stored: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Undo the rotation by three bits to the left of depth in millimetres.

    As the toolbox's read3dPoints does, which then sets what is beyond 8 m to 8 m; here
    depth stays as it was measured.
    """
    return (stored >> 3) | (stored << 13)


# --- Download -------------------------------------------------------------------------


def open_zip(path: str) -> tuple[zipfile.ZipFile, dict[str, str]]:
    """A zip file, and its names by their part from `SUNRGBD/` on."""
    # Processes must not share the position in one open file, as they do after a fork.
    return _open_zip(path, os.getpid(), os.stat(path).st_mtime_ns)


@lru_cache(maxsize=1)
def _open_zip(path: str, *_: int) -> tuple[zipfile.ZipFile, dict[str, str]]:
    try:
        file = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(
            f'{path} is no complete zip file: download it again ({error})'
        ) from error
    return file, {sequence_of(name): name for name in file.namelist()}


def sequence_of(path: str) -> str:
    """The part of a path behind `SUNRGBD/`, without double or trailing slashes."""
    parts = PurePosixPath(path).parts
    if 'SUNRGBD' in parts:
        parts = parts[parts.index('SUNRGBD') + 1 :]
    return '/'.join(part for part in parts if part != '/')


def read_file(root: str, path: str) -> bytes:
    """A file below `SUNRGBD/`, which is a folder or in a zip file."""
    if Path(root).is_dir():
        return (Path(root) / path).read_bytes()
    file, names = open_zip(root)
    if path not in names:
        raise ValueError(f'SUNRGBD/{path} is missing in {root}')
    try:
        return file.read(names[path])
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f'SUNRGBD/{path} in {root} is damaged: {error}') from error


@dataclass
class Reader:
    """Read one sample; its ``source`` is its index from 0 and three paths.

    Args:
        root: The folder `SUNRGBD`, or the zip file.
        labels: `SUNRGBD2Dseg.mat`.
    """

    root: str
    labels: str

    def __call__(self, sample: Sample) -> dict[str, Any]:
        """Image as it is stored, depth in millimetres, labels."""
        index, rgb, depth, depth_bfx = sample.source
        return dict(
            rgb=read_file(self.root, rgb),
            depth=self._read_depth(depth_bfx),
            depth_raw=self._read_depth(depth),
            label=self._read_labels(index),
        )

    def _read_depth(self, path: str) -> NDArray[np.uint16]:
        try:
            stored = decode_complete(read_file(self.root, path))
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        if stored.dtype != np.uint16 or stored.ndim != 2:
            raise ValueError(
                f'{path}: depth must be uint16 with one channel, got {stored.dtype} of '
                f'shape {stored.shape}'
            )
        return decode_depth(stored)

    def _read_labels(self, index: int) -> NDArray[np.uint8]:
        with open_hdf5(self.labels) as file:
            labels = np.asarray(_label_of(file, index)).T
        if labels.min() < 0 or labels.max() > NUM_CLASSES:
            raise ValueError(
                f'labels must be 0..{NUM_CLASSES}, got {labels.min()}..{labels.max()} '
                f'in {self.labels}'
            )
        return labels.astype(np.uint8) - np.uint8(1)  # void, 0, becomes 255


def _label_of(file: Any, index: int) -> Any:
    """Labels (W, H) of a sample: a struct array is stored as references."""
    field = file['SUNRGBD2Dseg/seglabel']
    if field.dtype != object:  # a struct array of one is stored as it is
        return field[()]
    return file[field[()].ravel()[index]][()]


def count_labels(path: Path) -> int:
    """Number of samples in `SUNRGBD2Dseg.mat`."""
    with open_hdf5(path) as file:
        if 'SUNRGBD2Dseg/seglabel' not in file:
            raise ValueError(f'{path} has no SUNRGBD2Dseg.seglabel: download it again')
        field = file['SUNRGBD2Dseg/seglabel']
        return int(field.size) if field.dtype == object else 1


def read_meta(path: Path) -> list[tuple[str, str, str]]:
    """Sequence, name of the image and name of the depth of every sample."""
    name = 'SUNRGBDMeta2DBB' if '2DBB' in path.name else 'SUNRGBDMeta'
    records = load_mat(path, [name])[name].ravel()
    rows = []
    for record in records:
        rgb = _field(record, 'rgbpath')
        if rgb is None:
            raise ValueError(f'{path} has no rgbpath: is it the official file?')
        depth = _field(record, 'depthname') or _field(record, 'depthpath')
        if depth is None:
            raise ValueError(f'{path} has no depthname: is it the official file?')
        sequence = '/'.join(sequence_of(rgb).split('/')[:-2])
        rows.append((sequence, rgb.rpartition('/')[2], depth.rpartition('/')[2]))
    return rows


def read_splits(path: Path) -> dict[str, list[str]]:
    """Sequences of each list."""
    mat = load_mat(path, ['alltrain', 'alltest'])
    return {
        split: [sequence_of(_text(cell)) for cell in mat[name].ravel()]
        for split, name in (('train', 'alltrain'), ('val', 'alltest'))
    }


def _field(record: Any, name: str) -> str | None:
    """Text of a field of a struct, None if it is not there or empty."""
    if name not in (record.dtype.names or ()) or not np.size(record[name]):
        return None
    return _text(record[name])


def _text(value: Any) -> str:
    return str(np.asarray(value).ravel()[0])


# --- Plan -----------------------------------------------------------------------------


def find_download(source: Path) -> tuple[dict[str, Path], list[str]]:
    """Paths of the parts of the download, and what is missing."""
    is_root = any((source / camera).is_dir() for camera in SUNRGBDDataset.CAMERAS)
    parents = [source]  # of the toolbox
    if (source / 'SUNRGBD').is_dir():
        root = source / 'SUNRGBD'
    elif source.is_file():
        root, parents = source, [source.parent]
    elif is_root:
        root, parents = source, [source, source.parent]
    else:
        root = source / 'SUNRGBD.zip'
    files, problems = {'images': root}, []
    if not root.exists():
        problems.append(f'neither {source / "SUNRGBD"} nor {root} exists: {IMAGES}')
    for part, names in dict(
        meta=META, labels=('SUNRGBD2Dseg.mat',), splits=('allsplit.mat',)
    ).items():
        paths = [
            parent / place / name
            for name in names
            for parent in parents
            for place in PLACES
        ]
        found = [path for path in paths if path.is_file()]
        if found:
            files[part] = found[0]
        else:
            problems.append(
                f'{names[0]} is missing in {" and ".join(map(str, parents))}, with '
                f'or without SUNRGBDtoolbox/: it is in {TOOLBOX}'
            )
    return files, problems


def find_samples(files: dict[str, Path]) -> tuple[list[Sample], list[str], list[str]]:
    """Samples in the order of the official lists, warnings and problems."""
    rows = read_meta(files['meta'])
    splits = read_splits(files['splits'])
    if (count := count_labels(files['labels'])) != len(rows):
        return [], [], [
            f'SUNRGBD2Dseg.mat has the labels of {count} samples, {files["meta"].name} '
            f'lists {len(rows)}: download them again'
        ]  # fmt: skip
    problems = _repeated('SUNRGBDMeta', [sequence for sequence, _, _ in rows])
    problems += _repeated(
        'allsplit.mat', [s for names in splits.values() for s in names]
    )
    index = {sequence: i for i, (sequence, _, _) in enumerate(rows)}
    root, samples, taken = files['images'], [], set()
    for split, sequences in splits.items():
        unknown = [sequence for sequence in sequences if sequence not in index]
        if unknown:
            problems.append(
                f'allsplit.mat lists {len(unknown)} sequences that '
                f'{files["meta"].name} does not have: {unknown[:5]}'
            )
        for sequence in (s for s in sequences if s in index):
            i = index[sequence]
            if i in taken:
                continue
            taken.add(i)
            _, rgb, depth = rows[i]
            paths = (
                f'{sequence}/image/{rgb}',
                f'{sequence}/depth/{depth}',
                f'{sequence}/depth_bfx/{depth}',
            )
            inputs = tuple(str(root / p) for p in paths) if root.is_dir() else ()
            samples.append(
                Sample(
                    sequence,
                    split,
                    source=(i, *paths),
                    inputs=inputs,
                    groups=dict(camera=SUNRGBDDataset.camera_of(sequence)),
                )
            )
    unused = len(rows) - len(samples)
    return samples, [f'{unused} samples are in no list'] if unused else [], problems


def _repeated(name: str, values: Sequence[str]) -> list[str]:
    twice = [value for value, count in Counter(values).items() if count > 1]
    return [f'{name} lists {len(twice)} sequences twice: {twice[:5]}'] if twice else []


def plan(source: Path) -> Plan:
    """Plan the conversion of the official download."""
    files, problems = find_download(source)
    samples: list[Sample] = []
    warnings: list[str] = []
    if not problems:
        try:
            if files['images'].is_file():
                open_zip(str(files['images']))
            samples, warnings, problems = find_samples(files)
        except READ_ERRORS as error:
            problems.append(str(error))
    return Plan(
        dataset='SUN RGB-D',
        folders=dict(
            rgb=Folder(channels=3, suffix='.jpg'),
            depth=MILLIMETRES,
            depth_raw=MILLIMETRES,
            label=Folder(kind='label', num_classes=NUM_CLASSES, ignore_index=VOID),
        ),
        samples=samples,
        convert=Reader(str(files['images']), str(files.get('labels', ''))),
        splits=OFFICIAL,
        sources=[str(path) for path in files.values() if path.is_file()],
        classes=SUNRGBDDataset.METAINFO['classes'],
        palette=SUNRGBDDataset.METAINFO['palette'],
        warnings=warnings,
        problems=problems,
    )


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    args = parser.parse_args(argv)
    with exit_on_user_error():
        return run(args, plan)


if __name__ == '__main__':
    sys.exit(main())
