"""The files of a camera of one's own: images, depth and labels in folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.disk import find_files
from mmseg_cen.preparation import (
    Sample,
    check_labels,
    decode_complete,
    read_image,
    read_indices,
)

IMAGES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp')
ARRAYS = (*IMAGES, '.npy')
VOID = 255


def find(
    folder: str, suffix: str | None, known: Sequence[str] = ARRAYS
) -> dict[str, Path]:
    """Files of a folder and below it, by their path without the suffix.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there are none, or two of one stem.
    """
    files: dict[str, Path] = {}
    root = Path(folder)
    for path in find_files(root):
        if not (path.name.endswith(suffix) if suffix else path.suffix.lower() in known):
            continue
        name = path.relative_to(root).as_posix()
        stem = name.removesuffix(suffix or path.suffix)
        if stem in files:
            raise ValueError(
                f'a sample must have one file, got {files[stem]} and {path}: remove '
                'one, or name the suffix'
            )
        files[stem] = path
    if not files:
        ends = suffix or ', '.join(known)
        raise ValueError(
            f'{folder} must hold files that end with {ends}, got none: check the path '
            'and the suffix'
        )
    return files


def is_array(path: str | Path) -> bool:
    """Whether a file is an array, not an image."""
    return str(path).lower().endswith('.npy')


def read_array(path: str | Path) -> NDArray[Any]:
    """Read an image or a `.npy` file, as it is."""
    if not is_array(path):
        return read_image(path)
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise ValueError(
            f'{path} must be a complete .npy file of numbers, got one that '
            f'cannot be read ({error}): replace it'
        ) from error


def first_array(paths: Sequence[Path]) -> NDArray[Any]:
    """The first file that can be read; others are named when they are converted."""
    for path in paths:
        try:
            return read_array(path)
        except (ValueError, OSError):
            continue
    raise ValueError(
        f'`--depth` must be readable images or arrays, got none among {len(paths)} '
        f'files, such as {paths[0]}: replace them'
    )


@dataclass
class Reader:
    """Read one sample; its inputs are the files of image, depth and, if any, labels.

    The source of a sample is the message about missing files, or None.

    Args:
        unit: Meters per stored unit of depth.
        is_float: Whether depth is stored as floats.
        invalid: The stored value of missing depth, besides 0 and NaN.
        keep_rgb: Whether images are kept as they are.
        reduce_zero_label: Whether label 0 is void.
        ignore: The stored label of void.
        num_classes: Number of classes; 255 as long as it is not known.
    """

    unit: float
    is_float: bool
    invalid: float | None
    keep_rgb: bool
    reduce_zero_label: bool
    ignore: int
    num_classes: int = VOID

    def __call__(self, sample: Sample) -> dict[str, Any]:
        """Contents of each folder."""
        if sample.source is not None:
            raise ValueError(sample.source)
        rgb, depth, *label = sample.inputs
        content = Path(rgb).read_bytes()
        if not self.keep_rgb:
            try:
                content = decode_complete(content, color=True)
            except ValueError as error:
                raise ValueError(f'{rgb} {error}') from error
        contents = dict(rgb=content, depth=self.read_depth(depth))
        if label:
            contents['label'] = self.read_labels(label[0])
        return contents

    def read_depth(self, path: str) -> NDArray[np.uint16]:
        """Depth as it is stored; floats become millimeters."""
        depth = read_array(path)
        if depth.ndim != 2 or (depth.dtype.kind == 'f') != self.is_float:
            raise ValueError(
                f'{path}: depth must have one channel of '
                f'{"floats" if self.is_float else "integers"} as the first file, got '
                f'{depth.dtype} of shape {depth.shape}: convert it'
            )
        if self.invalid is not None:
            depth = np.where(depth == self.invalid, 0, depth)
        if self.is_float:
            meters = np.nan_to_num(depth.astype(np.float64), nan=0, posinf=0, neginf=0)
            depth = np.rint(meters * self.unit * 1000).clip(0, 65535)
        elif depth.min() < 0 or depth.max() > 65535:
            raise ValueError(
                f'{path}: depth must be within 0..65535, got '
                f'{depth.min()}..{depth.max()}: correct it'
            )
        return depth.astype(np.uint16)

    def read_labels(self, path: str) -> NDArray[np.uint8]:
        """Labels from 0, 255 for void."""
        labels = read_array(path) if is_array(path) else read_indices(path)
        if labels.ndim != 2 or labels.dtype.kind not in 'bui':
            raise ValueError(
                f'{path}: labels must be the index of the class of each pixel, one '
                f'channel of integers, got {labels.dtype} of shape {labels.shape}: '
                'convert them'
            )
        labels = labels.astype(np.int64)
        first = int(self.reduce_zero_label)
        void = labels == self.ignore
        if self.reduce_zero_label:
            void |= labels == 0
        last = first + self.num_classes - 1
        check_labels(path, labels[~void], first, last, self.ignore)
        return np.where(void, VOID, labels - first).astype(np.uint8)
