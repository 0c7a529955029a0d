"""What a test has measured of each image, as one file."""

import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmseg_cen.disk import damage_in_words, replacing
from mmseg_cen.visualization.names import unique_names

from .samples import Areas, Facts, outputs_of

#: Suffix of the files; and the arrays in them, with their dimensions: N images, O
#: outputs, K classes, P shares.
SUFFIX = '.npz'
_ARRAYS = dict(images=1, classes=1, outputs=1, areas=4, shares=1, pixels=3)


@dataclass(frozen=True)
class PerImage:
    """Areas of all classes in each image, and shares of its pixels.

    Args:
        images: Names of the images, all different.
        classes: Names of the classes.
        areas: For each output, a stream or the ensemble, pixels (N, 3, K): of the
            intersection, the prediction and the label of each class. An image without
            the modality of a stream has zeros.
        shares: Shares of pixels by name, e.g. ``agreement/rgb+depth``, as pixels
            (N, 2): those that count, and of how many.
    """

    images: tuple[str, ...]
    classes: tuple[str, ...]
    areas: dict[str, NDArray[np.int64]]
    shares: dict[str, NDArray[np.int64]]


def per_image_of(
    results: Sequence[tuple[dict[str, Areas], Facts]], classes: Sequence[str]
) -> PerImage:
    """What is stored of the samples of a test.

    Args:
        results: Areas of each output, and facts, of each sample.
        classes: Names of the classes.
    """
    nothing = np.zeros((3, len(classes)), np.int64)
    outputs = outputs_of([areas for areas, _ in results])
    shares = sorted({name for _, facts in results for name in facts.pixels})

    def pixels(areas: dict[str, Areas], output: str) -> NDArray[np.int64]:
        if output not in areas:
            return nothing
        both, _, predicted, true = areas[output]
        return torch.stack([both, predicted, true]).long().numpy()

    return PerImage(
        names_of_images([facts.image for _, facts in results]),
        tuple(classes),
        {
            name: np.stack([pixels(areas, name) for areas, _ in results])
            for name in outputs
        },
        {
            name: np.array([facts.pixels.get(name, (0, 0)) for _, facts in results])
            for name in shares
        },
    )


def names_of_images(paths: Sequence[str]) -> tuple[str, ...]:
    """A different name for each sample of a data set, the same wherever its files are.

    Its path below the common folder of all; samples of one image are numbered.

    Args:
        paths: The image of each sample.
    """
    names, count = unique_names(paths), Counter(paths)
    seen: Counter[str] = Counter()
    found = []
    for path in paths:
        number = f'#{seen[path]}' if count[path] > 1 else ''
        found.append(names[path] + number)
        seen[path] += 1
    return tuple(found)


def check_suffix(path: str | Path) -> None:
    """Refuse another suffix than NumPy's.

    Raises:
        ValueError: If the name of the file ends otherwise.
    """
    if Path(path).suffix != SUFFIX:
        raise ValueError(
            f'`per_image_file` must end with {SUFFIX}, got {str(path)!r}: rename it'
        )


def write_per_image(path: str | Path, measured: PerImage) -> None:
    """Write a file, as a whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    pixels = [*measured.shares.values()]
    no_pixels = np.zeros((len(measured.images), 0, 2))
    arrays: dict[str, Any] = dict(
        images=np.array(measured.images, dtype=str),
        classes=np.array(measured.classes, dtype=str),
        outputs=np.array([*measured.areas], dtype=str),
        areas=np.stack([*measured.areas.values()], axis=1).astype(np.int32),
        shares=np.array([*measured.shares], dtype=str),
        pixels=(np.stack(pixels, axis=1) if pixels else no_pixels).astype(np.int32),
    )
    with replacing(path) as unfinished, unfinished.open('wb') as file:
        np.savez_compressed(file, **arrays)


def read_per_image(path: str | Path) -> PerImage:
    """Read a file of :func:`write_per_image`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or another file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'the file of each image must exist, got {str(path)!r}: write it by '
            f'tools/test.py --per-image FILE'
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(_refusal(path, damage_in_words(error))) from error
    if wrong := _why_not(arrays):
        raise ValueError(_refusal(path, wrong))
    areas, pixels = (arrays[key].astype(np.int64) for key in ('areas', 'pixels'))
    outputs, shares = arrays['outputs'].tolist(), arrays['shares'].tolist()
    return PerImage(
        tuple(arrays['images'].tolist()),
        tuple(arrays['classes'].tolist()),
        {name: areas[:, i] for i, name in enumerate(outputs)},
        {name: pixels[:, i] for i, name in enumerate(shares)},
    )


def _refusal(path: str | Path, found: str) -> str:
    return (
        f'the file of each image must be one of tools/test.py --per-image, got {found} '
        f'in {str(path)!r}: write it again'
    )


def _why_not(arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """Why arrays are not those of a file, or an empty text."""
    missing = [name for name in _ARRAYS if name not in arrays]
    if missing:
        return f'no {" and no ".join(missing)}'
    if wrong := [n for n, dims in _ARRAYS.items() if arrays[n].ndim != dims]:
        return f'another number of dimensions of {" and ".join(wrong)}'
    images, classes, outputs, areas, shares, pixels = (arrays[n] for n in _ARRAYS)
    if not all(array.dtype.kind == 'U' for array in (images, classes, outputs, shares)):
        return 'names that are no text'
    if not all(array.dtype.kind in 'iu' for array in (areas, pixels)):
        return 'areas that are no numbers of pixels'
    wanted = (len(images), len(outputs), 3, len(classes))
    if areas.shape != wanted:
        return f'areas of the shape {areas.shape} instead of {wanted}'
    if pixels.shape != (len(images), len(shares), 2):
        return f'pixels of the shape {pixels.shape} of {len(shares)} shares'
    for names in (images, classes, outputs, shares):
        if len(set(names.tolist())) < len(names):
            return 'a name twice'
    both, predicted, true = np.moveaxis(areas.astype(np.int64), 2, 0)
    if both.size and (both.min() < 0 or (both > np.minimum(predicted, true)).any()):
        return 'intersections that are larger than the areas'
    return ''
