"""NYU Depth V2 in the layout of the released code: lists of paths, three a line."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.datasets import NYUDv2Dataset
from mmseg_cen.disk import read_text
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    check_labels,
    read_image,
    read_indices,
)

OFFICIAL = dict(train=795, val=654)
PER_METER = 5000
# The part of 480x640 that is not a white border; the toolbox has 45:471, 41:601.
VALID = (slice(44, 471), slice(40, 601))
VOID = 255
DEPTH = Folder(kind='depth', dtype='uint16', scale=1 / PER_METER, unit='1/5000 m')


def read_released(sample: Sample, reduce_zero_label: bool) -> Mapping[str, Any]:
    """Image, depth and labels of three files; labels may cover the valid part only."""
    rgb, mask, depth_path = sample.inputs
    image, labels, depth = read_image(rgb), read_indices(mask), read_image(depth_path)
    if not reduce_zero_label:
        fix = 'give --reduce-zero-label if 0 is void, and 40 a class, or correct them'
        check_labels(mask, labels, 0, 39, VOID, fix)
    else:
        check_labels(mask, labels, 0, 40, VOID)
        labels = np.where(labels == VOID, labels, labels - np.uint8(1))  # 0 to 255, too
    return dict(
        rgb=align(image, labels.shape), depth=align(depth, labels.shape), label=labels
    )


def align(image: NDArray[Any], size: tuple[int, ...]) -> NDArray[Any]:
    """Cut the part that labels of another size (H, W) describe.

    Labels of 427x561 are labels of the official valid part, as in the toolbox. Unlike
    the released code, which takes the center of the image instead, 18 rows off.
    """
    if image.shape[:2] == size:
        return image
    if image.shape[:2] == (480, 640) and size == (427, 561):
        return image[VALID]
    top, left = ((a - b) // 2 for a, b in zip(image.shape, size, strict=False))
    if top < 0 or left < 0:
        raise ValueError(
            f'labels must not be larger than the image, got {size} for {image.shape}: '
            'take both from one release'
        )
    return image[top : top + size[0], left : left + size[1]]


def plan_released(source: Path, reduce_zero_label: bool = False) -> Plan:
    """Plan the conversion of the tab-separated lists of the released code."""
    samples, problems = [], []
    for split in OFFICIAL:
        path = source / f'{split}.txt'
        if not path.is_file():
            problems.append(f'{path} is missing')
            continue
        for number, line in enumerate(read_text(path).split('\n'), start=1):
            if not line.strip():
                continue
            paths = [cell.strip() for cell in line.split('\t')]
            if len(paths) != 3:
                problems.append(
                    f'{path}, line {number}: must be the paths of image, labels and '
                    f'depth, separated by tabs, got {line!r}'
                )
                continue
            inputs = tuple(str(source / name) for name in paths)
            samples.append(Sample(Path(paths[0]).stem, split, inputs=inputs))
    return Plan(
        dataset='NYUDv2',
        folders=dict(
            rgb=Folder(channels=3),
            depth=DEPTH,
            label=Folder(kind='label', num_classes=40, ignore_index=VOID),
        ),
        samples=samples,
        convert=partial(read_released, reduce_zero_label=reduce_zero_label),
        splits=OFFICIAL,
        options=dict(released=True, reduce_zero_label=reduce_zero_label),
        classes=NYUDv2Dataset.METAINFO['classes'],
        palette=NYUDv2Dataset.METAINFO['palette'],
        problems=problems,
    )
