"""Files of modalities, decoded to arrays with the channels in the order of the file."""

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg_cen.disk import damage_in_words

from .orientation import UPRIGHT, read_orientation
from .tiff import GRAY, INVERTED, decode_tiff, is_tiff, read_pages

#: How files of arrays begin.
ARRAYS = {'.npy': b'\x93NUMPY', '.npz': b'PK'}
# OpenCV does not turn images by itself; `orientation` of the modality decides.
COLOR = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
EXR = b'v/1\x01'


def decode(
    content: bytes, suffix: str, color: bool = False, key: str | None = None
) -> NDArray[Any]:
    """Decode an image, ``.npy`` or ``.npz`` file to an array (H, W) or (H, W, C).

    Channels are in the order of the file, of images in colors red, green, blue (and
    opacity), whatever the format.

    Args:
        content: The file.
        suffix: End of its name in lower case; all but ``.npy`` and ``.npz`` are images.
        color: Whether to decode images to the three channels red, green and blue,
            instead of their own.
        key: Name of the array in a ``.npz`` file that holds several.

    Raises:
        ValueError: If the file cannot be decoded; says why.
    """
    if suffix in ARRAYS:
        return native(_decode_array(content, suffix, key))
    if is_tiff(content):
        return native(_decode_tiff(content, color))
    if content[:4] == EXR:
        raise ValueError(
            'the file must be of another format than OpenEXR, which OpenCV has '
            'switched off: store it as .npy, or as TIFF of floats'
        )
    try:
        image = cv2.imdecode(
            np.frombuffer(content, np.uint8), COLOR if color else cv2.IMREAD_UNCHANGED
        )
    except cv2.error:  # an empty file
        image = None
    if image is None:
        raise ValueError(
            'the file must be an image that OpenCV reads, got another, or a damaged '
            'one: replace it, or store it as PNG'
        )
    return np.asarray(file_order(image))


def file_order(image: NDArray[Any]) -> NDArray[Any]:
    """Swap blue and red, the first and the third of three or four channels."""
    if image.ndim == 3 and image.shape[2] == 3:
        return image[..., ::-1]
    if image.ndim == 3 and image.shape[2] == 4:
        return image[..., [2, 1, 0, 3]]
    return image


def turn_picture(name: str, image: NDArray[Any]) -> NDArray[Any]:
    """Swap blue and red of a picture, between the order of files and of memory.

    Args:
        name: Name of the modality.
        image: Three channels of 'rgb', or of type uint8, are a picture. Any other array
            has the order of its file in memory, too, and is returned as it is.
    """
    is_picture = name == 'rgb' or image.dtype == np.uint8
    has_colors = image.ndim == 3 and image.shape[2] == 3
    return image[..., ::-1] if is_picture and has_colors else image


def orientation_of(content: bytes, suffix: str) -> int:
    """Orientation tag of a file, 1 to 8; arrays have none."""
    if suffix in ARRAYS:
        return UPRIGHT
    if is_tiff(content):
        return read_pages(content)[0].orientation
    return read_orientation(content)


def no_data_of(content: bytes) -> float | None:
    """Value of pixels that were not measured, as a TIFF file says by a tag of GDAL.

    None for zeros and values that are not finite, which have rules of their own.
    """
    value = read_pages(content)[0].no_data if is_tiff(content) else None
    return value if value and np.isfinite(value) else None


def native(array: NDArray[Any]) -> NDArray[Any]:
    """The array in the byte order of this machine, which its type does not name."""
    return array.astype(array.dtype.newbyteorder('='), copy=False)


def _decode_tiff(content: bytes, color: bool) -> NDArray[Any]:
    pages = read_pages(content)
    image = decode_tiff(content, pages)
    if color and image.ndim == 2:
        if pages[0].photometric == INVERTED:
            image = np.invert(image)
        return np.repeat(image[..., None], 3, axis=-1)
    if color and image.shape[2] == 4 and pages[0].photometric not in GRAY:
        return image[..., :3]  # without opacity
    return image


def _decode_array(content: bytes, suffix: str, key: str | None) -> NDArray[Any]:
    try:
        if not content.startswith(ARRAYS[suffix]):  # NumPy would take it for a pickle
            raise OSError(f'it does not begin as {suffix} files do')
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if suffix == '.npz':
            names = list(loaded.files)
            if key is None and len(names) == 1:
                key = names[0]
            loaded = loaded[key] if key in names else None
    except Exception as error:  # damaged bytes lead to many
        raise ValueError(
            f'the file must hold an array, got {damage_in_words(error)}: replace it'
        ) from error
    if loaded is None:
        raise ValueError(
            f'`key` must be one of the arrays {names}, got {key!r}: choose one'
        )
    if not isinstance(loaded, np.ndarray) or loaded.dtype.kind not in 'buif':
        what = getattr(loaded, 'dtype', 'several arrays')
        raise ValueError(
            f'the file must hold one array of numbers, got {what}: store integers or '
            'floats'
        )
    return loaded
