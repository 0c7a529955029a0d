"""Read one modality of a sample: its file, its valid pixels, its physical values.

In the array of a modality, channels are in the order of the file, whatever its format,
but for pictures: the three channels of 'rgb', and of any file of uint8 with three, are
blue, green, red, as the toolbox has them.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine import fileio

from mmseg_cen.modality import Modality
from mmseg_cen.once import warn_once
from mmseg_cen.sentinels import find_invalid

from .decoded_cache import DecodedCache, fetch
from .decoded_entry import Decoded
from .decoding import ARRAYS, decode, no_data_of, orientation_of, turn_picture
from .depth import fill_invalid, fill_nearest, valid_pixels
from .no_data import doubt_no_data
from .orientation import TURNS, UPRIGHT, turn
from .sampling import resize, resize_nearest


class Loaded(NamedTuple):
    """An array as it was loaded, before any transform, and its measured pixels.

    Args:
        image: (H, W) or (H, W, C), in physical units, filled.
        valid: Mask (H, W) of the pixels that the file has a value of.
        orientation: Orientation tag that was not applied; 1 if there is none.
    """

    image: np.ndarray
    valid: np.ndarray
    orientation: int = UPRIGHT


def read_modality(
    name: str,
    modality: Modality,
    path: str,
    channels: Collection[int],
    backend_args: dict | None = None,
) -> np.ndarray:
    """Read the stored values of one modality, channels in the order of the file.

    Args:
        name: Name of the modality; images of 'rgb' are decoded to three channels.
        modality: Describes the file.
        path: Path of the file.
        channels: Allowed numbers of channels of the file.
        backend_args: Arguments of the file backend.

    Returns:
        Array (H, W) of one channel, else (H, W, C).

    Raises:
        ValueError: If the file is not as ``modality`` says.
    """
    return read_stored(name, modality, path, channels, backend_args)[0]


def read_stored(
    name: str,
    modality: Modality,
    path: str,
    channels: Collection[int],
    backend_args: dict | None = None,
    cache: DecodedCache | None = None,
) -> tuple[np.ndarray, int]:
    """Stored values, and the orientation tag that was not applied to them.

    See :func:`read_modality`.
    """
    what = f'{name}: {path}'
    color, key = name == 'rgb', modality.key

    def decoded() -> Decoded:
        content = fileio.get(path, backend_args=backend_args)
        suffix = Path(path).suffix.lower()
        image = decode(content, suffix, color, key)
        if suffix not in ARRAYS and not color:
            doubt_no_data(name, modality, path, image, no_data_of(content))
        return Decoded(image, orientation_of(content, suffix))

    try:
        image, orientation = fetch(cache, path, ('modality', color, key), decoded)
    except ValueError as error:
        raise ValueError(f'{what}: {error}') from error
    if modality.dtype is not None and image.dtype != modality.dtype:
        raise ValueError(
            f'{what} must hold {modality.dtype}, got {image.dtype}: convert the file '
            'or change `dtype` of the modality'
        )
    image = check_channels(what, image, modality, channels)
    if orientation != UPRIGHT and modality.orientation == 'apply':
        return turn(image, orientation), UPRIGHT
    if orientation != UPRIGHT and modality.orientation is None:
        warn_once(
            f'orientation of {name}',
            f'{what} has an orientation tag (EXIF), by which viewers show it '
            f'{TURNS[orientation]}. It is read as it is stored: set '
            f"orientation='apply' of modality {name!r} if the other files and the "
            "labels fit the turned image, 'ignore' if they fit the stored one.",
        )
    return image, orientation


def check_channels(
    what: str, image: np.ndarray, modality: Modality, channels: Collection[int]
) -> np.ndarray:
    """The array as (H, W) of one channel, else (H, W, C).

    Raises:
        ValueError: If it has another number of channels than the allowed ones.
    """
    found = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in {2, 3} or found not in channels:
        raise ValueError(
            f'{what} must have {min(channels)} channel(s), got {found} in shape '
            f'{image.shape}: convert the file or change `channels` of the modality'
        )
    return image.reshape(image.shape[:2]) if found == 1 else image


def load(
    name: str,
    modality: Modality,
    path: str,
    backend_args: dict | None = None,
    cache: DecodedCache | None = None,
) -> Loaded:
    """Load the array of one modality, and the mask of its valid pixels.

    The array is uint8 in [0, 255] if the file holds uint8 and the modality has none of
    ``scale``, ``fill`` and ``invalid``, else float32 in physical units.

    Args:
        name: Name of the modality.
        modality: Describes the file.
        path: Path of the file.
        backend_args: Arguments of the file backend.
        cache: Keeps the decoded file.

    Raises:
        ValueError: If the file is not as ``modality`` says.
    """
    stored, orientation = read_stored(
        name, modality, path, {modality.channels}, backend_args, cache
    )
    return interpret(f'{name}: {path}', name, modality, stored, orientation)


def stays_as_stored(modality: Modality) -> bool:
    """Whether files of uint8 are loaded as such: no option makes other values."""
    changes = (modality.scale, modality.fill, modality.invalid)
    return all(option is None for option in changes)


def interpret(
    what: str,
    name: str,
    modality: Modality,
    stored: np.ndarray,
    orientation: int = UPRIGHT,
) -> Loaded:
    """The physical values of stored ones, and the mask of the valid pixels.

    Args:
        what: Where the values come from, for messages.
        name: Name of the modality.
        modality: Describes the values.
        stored: (H, W) or (H, W, C), channels in the order of a file.
        orientation: Orientation tag that was not applied.

    Raises:
        ValueError: If they are not as ``modality`` says.
    """
    stored = turn_picture(name, stored)
    image = np.require(stored, requirements=('C', 'W'))  # transforms write into it
    ranges = modality.invalid or ()
    fill = 0.0 if ranges and modality.fill is None else modality.fill
    if stored.dtype != np.uint8 or not stays_as_stored(modality):
        with np.errstate(over='ignore'):  # becomes infinite, and is treated as such
            image = image.astype(np.float32) * np.float32(modality.scale or 1)
    if fill is None:
        if not np.isfinite(image).all():
            raise ValueError(
                f'{what} must be finite, got NaN or infinite values: set `fill` of the '
                "modality, e.g. to 'nearest', or invalid='nan' to make them 0"
            )
        return Loaded(image, np.ones(image.shape[:2], bool), orientation)
    valid = (
        valid_pixels(image)
        if modality.fill is not None
        else np.isfinite(np.atleast_3d(image)).all(axis=-1)
    )
    valid &= ~find_invalid(stored, ranges)  # type: ignore[arg-type]
    if not valid.any():
        warn_once(
            f'no valid pixel of {name}', f'{what} has no valid pixel: 0 everywhere'
        )
    return Loaded(fill_invalid(image, valid, fill), valid, orientation)


def fit_sizes(
    loaded: Mapping[str, Loaded],
    modalities: Mapping[str, Modality],
    paths: Mapping[str, str],
    main: str,
) -> dict[str, Loaded]:
    """Resize the modalities of a sample that have ``resize`` to the size of ``main``.

    Args:
        loaded: The modalities of the sample.
        modalities: Their options.
        paths: Their files, for messages.
        main: Name of the modality that is not resized; the first one that has no
            ``resize`` if the sample lacks it.

    Raises:
        ValueError: If a modality without ``resize`` has another size, or the sizes have
            not one ratio.
    """
    fixed = [name for name in loaded if not modalities[name].resize]
    first = main if main in loaded else (fixed or list(loaded))[0]
    shape = loaded[first].image.shape[:2]
    fitted = {}
    for name, one in loaded.items():
        size = one.image.shape[:2]
        if size != shape:
            problem = None
            if not modalities[name].resize:
                problem = (
                    'register and resize the files, or set resize=True of modality '
                    f'{name!r} if they show the same view'
                )
            elif abs(size[0] * shape[1] - size[1] * shape[0]) > max(shape):
                # More than a row or column by rounding.
                problem = (
                    'register the files, as views of two ratios of width and height '
                    'are not the same'
                )
            if problem:
                tags = {loaded[n].orientation for n in (first, name)} - {UPRIGHT}
                if tags:
                    problem = (
                        'one has an orientation tag (EXIF): set '
                        f"orientation='apply' of its modality, or {problem}"
                    )
                raise ValueError(
                    f'the modalities of a sample must have one size, got {first} '
                    f'{shape} ({paths[first]}) and {name} {size} ({paths[name]}): '
                    f'{problem}'
                )
            one = _resized(one, shape[::-1], modalities[name].interpolation)
        fitted[name] = one
    return fitted


def _resized(one: Loaded, size: tuple[int, int], interpolation: str) -> Loaded:
    """Resize an array and its mask; invalid pixels do not spread to valid ones."""
    image = one.image
    valid = resize_nearest(one.valid, size)
    resized = resize(image, size, interpolation)
    if interpolation != 'nearest' and one.valid.any() and not one.valid.all():
        known = resize(fill_nearest(image, one.valid), size, interpolation)
        mask = valid.reshape(*valid.shape, *[1] * (image.ndim - 2))
        resized = np.where(mask, known, resize_nearest(image, size))
    return Loaded(resized, valid, one.orientation)
