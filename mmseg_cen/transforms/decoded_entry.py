"""A decoded file as an entry of the cache: a ``.npy`` file with a footer.

The footer says which state of the file was decoded, and has a check sum of the entry.
Programs that read ``.npy`` files read the array and leave the footer.
"""

import io
import math
import mmap
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .orientation import UPRIGHT

#: Format of entries; one of another format is never read.
FORMAT = b'decoded1'
# Format, state of the file, orientation tag, whether channels lie reversed; check sum.
_FOOTER, _CHECK = struct.Struct('<8s16sB?'), struct.Struct('<Q')
_MAGIC_AND_LENGTH = 10  # bytes, before the header of a ``.npy`` file


class Decoded(NamedTuple):
    """A file as it was decoded.

    Args:
        array: (H, W) or (H, W, C), of the type of the file.
        orientation: Its orientation tag, 1 to 8; 1 if there is none.
    """

    array: NDArray[Any]
    orientation: int = UPRIGHT


def to_entry(decoded: Decoded, state: bytes) -> bytes:
    """The bytes of an entry.

    Args:
        decoded: The decoded file.
        state: 16 bytes that another state of the file has not.
    """
    array = decoded.array
    # OpenCV decodes to blue, green, red, which lie so in memory.
    is_reversed = array.ndim == 3 and array.strides[2] < 0
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array[..., ::-1] if is_reversed else array))
    buffer.write(_FOOTER.pack(FORMAT, state, decoded.orientation, is_reversed))
    content = buffer.getvalue()
    return content + _CHECK.pack(_sum(content))


def read_entry(path: Path, state: bytes) -> Decoded | None:
    """Map an entry into memory, read-only; None if it is of another state of the file.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged.
    """
    with path.open('rb') as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    end = len(content) - _CHECK.size
    start = end - _FOOTER.size
    if start < 0:
        raise ValueError('it is too short')
    view = memoryview(content)
    if _sum(view[:end]) != _CHECK.unpack(view[end:])[0]:
        raise ValueError('it has another check sum')
    version, found, orientation, is_reversed = _FOOTER.unpack(view[start:end])
    if (version, found) != (FORMAT, state):
        return None
    length = int.from_bytes(view[_MAGIC_AND_LENGTH - 2 : _MAGIC_AND_LENGTH], 'little')
    shape, dtype = _parse_header(bytes(view[: _MAGIC_AND_LENGTH + length]))
    offset = _MAGIC_AND_LENGTH + length
    array = np.frombuffer(content, dtype, math.prod(shape), offset).reshape(shape)
    return Decoded(array[..., ::-1] if is_reversed else array, orientation)


@lru_cache
def _parse_header(head: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array, by all that stands before it."""
    file = io.BytesIO(head)
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype


def _sum(content: bytes | memoryview) -> int:
    """Sum of words of 64 bits; a CRC takes several times as long as all the rest."""
    words, rest = len(content) // 8, len(content) % 8
    total = np.frombuffer(content, '<u8', words).sum(dtype=np.uint64)
    last = int.from_bytes(content[len(content) - rest :], 'little')
    return (int(total) + last) % 2**64
