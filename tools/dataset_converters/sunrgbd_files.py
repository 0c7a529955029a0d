"""The files of SUN RGB-D: a folder or zip file of images, and MATLAB tables."""

import os
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.preparation import Sample, decode_complete
from mmseg_cen.preparation.matlab import load_mat, open_hdf5

NUM_CLASSES = 37


def decode_depth(stored: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Undo the rotation by three bits to the left of depth in millimeters.

    So does the toolbox's read3dPoints, which then sets depth beyond 8 m to 8 m; here
    depth stays as it was measured.
    """
    return (stored >> 3) | (stored << 13)


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
            f'{path} must be a complete zip file, got another or a damaged one '
            f'({error}): download it again'
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
        raise ValueError(
            f'{root} must hold SUNRGBD/{path}, got no such file: download it again'
        )
    try:
        return file.read(names[path])
    except (zipfile.BadZipFile, zlib.error, OSError) as error:
        raise ValueError(
            f'SUNRGBD/{path} in {root} must be complete, got a damaged file ({error}): '
            'download it again'
        ) from error


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
        """Image as it is stored, depth in millimeters, labels."""
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
            raise ValueError(f'{path} {error}') from error
        if stored.dtype != np.uint16 or stored.ndim != 2:
            raise ValueError(
                f'{path}: depth must be uint16 with one channel, got {stored.dtype} of '
                f'shape {stored.shape}: download it again'
            )
        return decode_depth(stored)

    def _read_labels(self, index: int) -> NDArray[np.uint8]:
        with open_hdf5(self.labels) as file:
            labels = np.asarray(_label_of(file, index)).T
        if labels.min() < 0 or labels.max() > NUM_CLASSES:
            raise ValueError(
                f'{self.labels}: labels must be 0..{NUM_CLASSES}, got '
                f'{labels.min()}..{labels.max()}: download it again'
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
            raise ValueError(
                f'{path} must hold SUNRGBD2Dseg.seglabel, got none: download it again'
            )
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
            raise ValueError(
                f'{path} must hold rgbpath, got none: download the official file'
            )
        depth = _field(record, 'depthname') or _field(record, 'depthpath')
        if depth is None:
            raise ValueError(
                f'{path} must hold depthname, got none: download the official file'
            )
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
