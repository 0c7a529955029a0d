"""The files of own data: images and arrays in folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mmseg_cen.disk import find_files
from mmseg_cen.preparation import read_image
from mmseg_cen.transforms.decoding import (
    decode,
    file_order,
    no_data_of,
    orientation_of,
)
from mmseg_cen.transforms.orientation import turn

IMAGES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp', '.pgm', '.ppm', '.webp')
ARRAYS = (*IMAGES, '.npy')


def find(
    folder: str,
    suffix: str | None,
    known: Sequence[str] = ARRAYS,
    out: Path | None = None,
) -> dict[str, Path]:
    """Files of a folder and below it, by their path without the suffix.

    Args:
        folder: The folder.
        suffix: How their names end; None: as one of ``known``.
        known: Suffixes.
        out: The folder to write, which may lie within the other: it is left out.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there are none, or two of one stem, or it is the folder to write.
    """
    files: dict[str, Path] = {}
    left_out = None
    root = Path(folder)
    place, written = root.resolve(), None if out is None else out.resolve()
    if written == place:
        raise ValueError(
            f'`out` must be another folder than those to read, got {out}: choose '
            'another'
        )
    if written is not None and place in written.parents:
        left_out = root / written.relative_to(place)
    for path in find_files(root):
        if left_out in path.parents:
            continue
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


def turned(
    image: NDArray[Any], path: str | Path, orientation: str | None
) -> NDArray[Any]:
    """Turn an image file as its orientation tag says, if asked by 'apply'."""
    if orientation != 'apply':
        return image
    return turn(image, orientation_of(Path(path).read_bytes(), Path(path).suffix))


def no_data_in(paths: Sequence[Path]) -> float | None:
    """Value of no measurement that the first TIFF file names, other than 0 or NaN."""
    for path in paths:
        if path.suffix.lower() in ('.tif', '.tiff'):
            try:
                return no_data_of(path.read_bytes())
            except (ValueError, OSError):
                continue  # is named when it is converted
    return None


def read_array(path: str | Path, orientation: str | None = None) -> NDArray[Any]:
    """Read an image or a `.npy` file, channels in the order of the file.

    Args:
        path: The file.
        orientation: 'apply' turns an image as its orientation tag says.
    """
    if not is_array(path):
        return turned(file_order(read_image(path)), path, orientation)
    try:
        return decode(Path(path).read_bytes(), '.npy')
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
