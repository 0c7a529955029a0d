"""Orientation tags: how a viewer turns an image, against how its pixels are stored."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
_JPEG, _PNG = b'\xff\xd8', b'\x89PNG\r\n\x1a\n'
_HEAD = 1 << 17  # bytes; the metadata of JPEG lie before them


def read_orientation(content: bytes) -> int:
    """Orientation tag of an image file, 1 to 8; 1 if it has none.

    TIFF files have such a tag among their own, see :mod:`.tiff`.
    """
    if not _has_metadata(content):
        return UPRIGHT
    try:
        with Image.open(io.BytesIO(content)) as image:
            tag = image.getexif().get(TAG, UPRIGHT)
    except Exception:  # damaged bytes lead to many
        return UPRIGHT  # what is wrong is said when the file is decoded
    return tag if tag in TURNS else UPRIGHT


def _has_metadata(content: bytes) -> bool:
    """Whether a file may have a tag, without a search through all of its pixels."""
    if content.startswith(_JPEG):
        return b'Exif\0\0' in content[:_HEAD]
    if not content.startswith(_PNG):
        return b'EXIF' in content or b'Exif\0\0' in content  # WebP and others
    place = len(_PNG)
    while place + 8 <= len(content):
        length, kind = struct.unpack_from('>I4s', content, place)
        if kind == b'eXIf':
            return True
        place += length + 12  # with length, kind and check sum
    return False


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
