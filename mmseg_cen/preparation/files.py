"""Single files: their hashes, whether they are complete, and writing them safely."""

import hashlib
import io
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mmseg_cen.disk import damage_in_words
from mmseg_cen.transforms.decoding import EXR, decode, file_order
from mmseg_cen.transforms.orientation import UPRIGHT, read_orientation
from mmseg_cen.transforms.tiff import is_tiff, read_pages

_ARRAY = b'\x93NUMPY'  # how .npy files begin
_HEAD = 1 << 17  # bytes; metadata lie before them
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
        if is_tiff(content):
            content += file.read()
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


def decode_complete(content: bytes, color: bool = False) -> NDArray[Any]:
    """Decode an image or `.npy` file that must be undamaged to its last byte.

    OpenCV alone fills the missing part of a truncated file, and says so on the console
    only.

    Args:
        content: The file.
        color: Whether to decode images to three channels, BGR, rather than as they are.

    Raises:
        ValueError: If the file is truncated or damaged, or of a format that OpenCV
            cannot read.
    """
    if is_tiff(content) or content[:4] == EXR:
        return _decode_complete_tiff(content, color)
    if content.startswith(_ARRAY):
        return decode_array(content)
    check_image(content)
    flags = cv2.IMREAD_UNCHANGED
    if color:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    array = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if array is None:
        raise ValueError(
            'must be an image file that OpenCV reads, got another: store it as PNG'
        )
    return np.asarray(array)


def _decode_complete_tiff(content: bytes, color: bool) -> NDArray[Any]:
    """Decode a TIFF file, of any bands, to the order of OpenCV; OpenEXR is refused."""
    try:
        pages = [] if content[:4] == EXR else read_pages(content)
        if pages and all(page.is_simple for page in pages):
            check_image(content)  # PIL knows no others
        return file_order(decode(content, '.tif', color))
    except ValueError as error:
        raise ValueError(str(error).removeprefix('the file ')) from error


def decode_array(content: bytes) -> NDArray[Any]:
    """Decode a `.npy` file that must be undamaged to its last byte.

    Raises:
        ValueError: If the file is truncated or damaged, or holds more than numbers.
    """
    try:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(
            f'must be a complete .npy file, got {damage_in_words(error)}: replace it'
        ) from error


def encode(array: NDArray[Any], suffix: str) -> bytes:
    """Encode an array as PNG, or (`.npy`) as it is; the same bytes each time."""
    if suffix != '.npy':
        return encode_png(np.ascontiguousarray(array))
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def encode_png(array: NDArray[Any]) -> bytes:
    """Encode (H, W) or BGR (H, W, 3), uint8 or uint16; the same bytes each time."""
    done, content = cv2.imencode('.png', array, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise ValueError(
            '`array` must be uint8 or uint16 with 1 or 3 channels to become PNG, got '
            f'{array.dtype} of shape {array.shape}: convert it first'
        )
    return content.tobytes()


def is_part(path: Path) -> bool:
    """Whether a file is a leftover of an interrupted :func:`write_atomically`."""
    return re.fullmatch(r'\..+\.\d+\.part', path.name) is not None
