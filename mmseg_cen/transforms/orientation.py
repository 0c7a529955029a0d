"""Orientation tags: how a viewer turns an image, against how its pixels are stored."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

TAG = 0x0112
UPRIGHT = 1
TURNS = {
    2: 'mirrored',
    3: 'turned by 180 degrees',
    4: 'mirrored upside down',
    5: 'mirrored and turned by 90 degrees',
    6: 'turned by 90 degrees',
    7: 'mirrored and turned by 270 degrees',
    8: 'turned by 270 degrees',
}
#: The tag that turns an image back.
BACK = {6: 8, 8: 6}
# The metadata begin so in JPEG, PNG and WebP: files without need not be parsed.
_MARKS = (b'Exif\0\0', b'eXIf', b'EXIF')


def read_orientation(content: bytes) -> int:
    """Orientation tag of an image file, 1 to 8; 1 if it has none.

    TIFF files have such a tag among their own, see :mod:`.tiff`.
    """
    if not any(mark in content for mark in _MARKS):
        return UPRIGHT
    try:
        with Image.open(io.BytesIO(content)) as image:
            tag = image.getexif().get(TAG, UPRIGHT)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return UPRIGHT  # what is wrong is said when the file is decoded
    return tag if tag in TURNS else UPRIGHT


def turn(image: NDArray, orientation: int) -> NDArray:
    """Turn stored pixels (H, W[, C]) as a viewer does.

    Args:
        image: As it is stored.
        orientation: Value of the tag.
    """
    if orientation in {5, 6, 7, 8}:
        image = image.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        image = image[::-1]
    if orientation in {2, 3, 6, 7}:
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
