"""Tiles of the ISPRS data sets, cut into parts of equal size."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmseg_cen import disk
from mmseg_cen.datasets.isprs import PotsdamDSMDataset
from mmseg_cen.preparation import Folder, Plan, Sample, read_image, read_indices

Array = NDArray[Any]
META = PotsdamDSMDataset.METAINFO
VOID = 255
#: What the names of labels end with whose boundaries are black.
NO_BOUNDARY = '_noBoundary'
DSM = Folder(kind='values', dtype='uint16', scale=1e-2)
LABEL = Folder(kind='label', num_classes=len(META['classes']), ignore_index=VOID)
# How far a channel of a label's color may be from 0 or 255: some official files have
# (252, 255, 0) for (255, 255, 0).
SLACK = 8
#: Of a label's color, bits of red, green and blue.
BITS = np.array([4, 2, 1], np.uint8)


@dataclass(frozen=True)
class Tiles:
    """An ISPRS data set.

    Args:
        name: Of the data set.
        files: Patterns of the paths of ``image``, ``dsm`` and ``label``, in this order,
            whose groups name the tile.
        folders: What is written, beside ``dsm`` and ``label``.
        split_image: From the official image (H, W, C), BGR if it has three channels,
            blue, green, red, infrared of four, to the arrays of ``folders``.
        splits: Tiles of each list.
    """

    name: str
    files: Mapping[str, str]
    folders: Mapping[str, Folder]
    split_image: Callable[[Array], dict[str, Array]]
    splits: Mapping[str, Sequence[str]]


def read_heights(path: str) -> NDArray[np.uint16]:
    """Centimeters above the lowest point of a surface model (H, W).

    Raises:
        ValueError: If the file is damaged, has no floats or several channels, its
            heights are not known everywhere, or differ by more than 16 bits hold.
    """
    meters = read_image(path)
    if meters.ndim != 2 or meters.dtype.kind != 'f' or not np.isfinite(meters).all():
        raise ValueError(
            f'{path} must hold heights (H, W), floats, got {meters.dtype} of shape '
            f'{meters.shape}, or NaN: take the DSM, not the normalized one'
        )
    above = np.rint((meters.astype(np.float64) - meters.min()) * 100)
    if above.max() > 65535:
        raise ValueError(
            f'{path} must hold heights within 655 m of each other, got {meters.min()} '
            f'to {meters.max()}: fill pixels without a height first'
        )
    return above.astype(np.uint16)


def read_classes(path: str) -> NDArray[np.uint8]:
    """Classes 0..5 (H, W) of an image of their colors; black is void, 255.

    Raises:
        ValueError: If the file is damaged, or has other colors.
    """
    colors = read_indices(path)
    if colors.ndim != 3 or colors.shape[2] < 3 or colors.dtype != np.uint8:
        raise ValueError(
            f'{path} must hold colors (H, W, 3), uint8, got {colors.dtype} of shape '
            f'{colors.shape}: take the files of labels as they are'
        )
    colors = colors[..., :3]
    classes = np.full(8, 254, np.uint8)
    classes[0] = VOID
    pure = np.array(META['palette'], np.uint8) > 127
    classes[pure @ BITS] = np.arange(len(pure))
    labels = np.asarray(classes[(colors > 127) @ BITS])
    wrong = (np.minimum(colors, 255 - colors) > SLACK).any(-1) | (labels == 254)
    if wrong.any():
        raise ValueError(
            f'{path} must hold the colors {META["palette"]} and black, got '
            f'{colors[wrong][0].tolist()}: download it again'
        )
    return labels


@lru_cache(maxsize=1)
def read_tile(split_image: Callable, image: str, dsm: str, label: str) -> dict:
    """All arrays of a tile; the parts of a tile follow one another."""
    return dict(
        split_image(read_image(image)), dsm=read_heights(dsm), label=read_classes(label)
    )


def convert(split_image: Callable, sample: Sample) -> dict[str, Array]:
    """Cut a part out of a tile."""
    paths, row, column, parts = sample.source
    arrays = read_tile(split_image, *paths)
    part = {}
    for name, array in arrays.items():
        top, bottom = bounds(array.shape[0], parts[0])[row : row + 2]
        left, right = bounds(array.shape[1], parts[1])[column : column + 2]
        part[name] = array[top:bottom, left:right]
    return part


def bounds(length: int, parts: int) -> list[int]:
    """Where parts of equal size (but for one pixel) begin, and the last one ends."""
    return [round(length * part / parts) for part in range(parts + 1)]


def find_tiles(source: Path, files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Path of each file of each tile, wherever it is below the download.

    Labels without boundaries are taken where there are no others.
    """
    found: dict[str, dict[str, str]] = {}
    for path in disk.find_files(source):
        name = path.relative_to(source).as_posix()
        for kind, pattern in files.items():
            if match := re.search(pattern, name, re.IGNORECASE):
                numbers = [re.sub(r'\b0+(?=\d)', '', g) for g in match.groups()]
                of_tile = found.setdefault('_'.join(numbers), {})
                if kind not in of_tile or NO_BOUNDARY not in path.stem:
                    of_tile[kind] = str(path)
    return found


def common_size(paths: Sequence[str]) -> tuple[int, int]:
    """Height and width of the files of a tile, which are read no further.

    Raises:
        ValueError: If they differ.
        OSError: If a file is no image.
    """
    sizes = {}
    for path in paths:
        with Image.open(path) as image:
            sizes[path] = image.height, image.width
    if len({*sizes.values()}) > 1:
        raise ValueError(
            f'its files must agree in size, got {sizes}: download them again'
        )
    return sizes[paths[0]]


def plan(source: Path, tiles: Tiles, clip: int) -> Plan:
    """Find the tiles, and plan their parts.

    Args:
        source: The download, in any folders.
        tiles: The data set.
        clip: Longest side of a part, pixels.
    """
    found = find_tiles(source, tiles.files)
    samples, problems, gone, sources = [], [], [], []
    for split, names in tiles.splits.items():
        for name in names:
            files = found.get(name, {})
            if missing := sorted({*tiles.files} - {*files}):
                gone.append(name)
                if files:
                    problems.append(f'tile {name} has no file of {", ".join(missing)}')
                continue
            paths = tuple(files[kind] for kind in tiles.files)
            sources += paths
            try:
                height, width = common_size(paths)
            except (ValueError, OSError) as error:
                problems.append(f'tile {name}: {error}')
                continue
            parts = -(-height // clip), -(-width // clip)
            samples += [
                Sample(
                    f'{name}/{row:02}_{column:02}',
                    split,
                    (paths, row, column, parts),
                    groups=dict(tile=name),
                )
                for row in range(parts[0])
                for column in range(parts[1])
            ]
    total = sum(map(len, tiles.splits.values()))
    warnings = []
    if gone:
        warnings.append(
            f'{len(gone)} of {total} tiles are missing: {", ".join(sorted(gone))}'
        )
    eroded = [
        name
        for name in sorted({sample.groups['tile'] for sample in samples})
        if NO_BOUNDARY in found[name]['label']
    ]
    if eroded:
        warnings.append(
            f'labels of {len(eroded)} tiles are without their boundaries: '
            f'{", ".join(eroded)}'
        )
    return Plan(
        tiles.name,
        dict(tiles.folders, dsm=DSM, label=LABEL),
        samples,
        partial(convert, tiles.split_image),
        dict.fromkeys(tiles.splits),
        sources=sources,
        options=dict(clip=clip),
        classes=META['classes'],
        palette=META['palette'],
        warnings=warnings,
        problems=problems,
    )
