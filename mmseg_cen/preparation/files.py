"""Single files: their hashes, whether they are complete, and writing them safely."""

import hashlib
import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mmseg_cen.transforms.decoding import EXR, decode, file_order
from mmseg_cen.transforms.orientation import UPRIGHT, read_orientation
from mmseg_cen.transforms.tiff import is_tiff, read_pages

_ARRAY = b'\x93NUMPY'  # how .npy files begin
_JPEG = b'\xff\xd8'
_HEAD = 1 << 17  # bytes; the metadata of JPEG lie before them
# The last chunk of every PNG file, which PIL does not verify.
_PNG_END = b'\0\0\0\0IEND\xaeB`\x82'


def fingerprint(content: bytes) -> list[Any]:
    """Length in bytes and hash of a content, as JSON stores them."""
    return [len(content), hashlib.blake2b(content, digest_size=8).hexdigest()]


def fingerprint_file(path: str | Path) -> list[Any]:
    """The :func:`fingerprint` of a file, which may be larger than the memory."""
    digest, length = hashlib.blake2b(digest_size=8), 0
    with open(path, 'rb') as file:
        while block := file.read(1 << 22):
            digest.update(block)
            length += len(block)
    return [length, digest.hexdigest()]


def has_orientation(path: str | Path) -> bool:
    """Whether an image file has an orientation tag, by which viewers turn it."""
    with open(path, 'rb') as file:
        content = file.read(_HEAD)
        if not content.startswith(_JPEG):  # others may have their tags at the end
            content += file.read()
        if is_tiff(content):
            with suppress(ValueError):  # a damaged file is named when it is decoded
                return any(page.orientation != UPRIGHT for page in read_pages(content))
            return False
    return read_orientation(content) != UPRIGHT


def check_image(content: bytes) -> None:
    """Refuse an image file that is not complete and undamaged to its last byte.

    Args:
        content: The file, PNG (whose check sums are verified), JPEG or another format
            of PIL (which are decoded).

    Raises:
        ValueError: If the file is truncated or damaged.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.format == 'PNG':
                image.verify()
                if _PNG_END not in content:
                    raise ValueError('the end is missing')
            else:
                image.load()
    except UnidentifiedImageError as error:  # whose message names an address in memory
        what = 'one of an unknown format' if content else 'an empty one'
        raise ValueError(
            f'must be a complete image file, got {what}: replace it'
        ) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(
            f'must be a complete image file, got a damaged one ({error}): replace it'
        ) from error


def check_complete(content: bytes) -> bool:
    """Refuse an image file that is not complete, as far as that can be told.

    TIFF files of types that PIL does not know must be as long as their tags say.

    Args:
        content: The file.

    Returns:
        Whether PIL reads it, and has checked all of it by :func:`check_image`.

    Raises:
        ValueError: If the file is truncated or damaged.
    """
    pages = read_pages(content) if is_tiff(content) else []
    if content[:4] != EXR and all(page.is_for_pillow for page in pages):
        check_image(content)
        return True
    if any(page.end > len(content) for page in pages):
        raise ValueError(
            'must be a complete image file, got a damaged one (the end is missing): '
            'replace it'
        )
    return False


def decode_complete(content: bytes, color: bool = False) -> NDArray[Any]:
    """Decode an image or `.npy` file that must be undamaged to its last byte.

    OpenCV alone fills the missing part of a truncated file, and says so on the console
    only.

    Args:
        content: The file.
        color: Whether to decode images to three channels, rather than as they are.

    Returns:
        (H, W) or (H, W, C); of an image with three or four channels, BGR.

    Raises:
        ValueError: If the file is truncated or damaged, holds more than numbers, or is
            of a format that is not read.
    """
    try:
        if content.startswith(_ARRAY):
            return decode(content, '.npy')
        check_complete(content)
        return file_order(decode(content, '', color))
    except ValueError as error:
        raise ValueError(str(error).removeprefix('the file ')) from error


def encode(array: NDArray[Any], suffix: str) -> bytes:
    """Encode an array as PNG, or (`.npy`) as it is; the same bytes each time."""
    if suffix != '.npy':
        return encode_png(np.ascontiguousarray(array))
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def encode_png(array: NDArray[Any]) -> bytes:
    """Encode (H, W) or BGR (H, W, 3), uint8 or uint16; the same bytes each time."""
    if array.dtype in (np.uint8, np.uint16):  # of others, OpenCV would make 8 bits
        done, content = cv2.imencode('.png', array, [cv2.IMWRITE_PNG_COMPRESSION, 6])
        if done:
            return content.tobytes()
    raise ValueError(
        '`array` must be uint8 or uint16 with 1 or 3 channels to become PNG, got '
        f'{array.dtype} of shape {array.shape}: convert it first'
    )
