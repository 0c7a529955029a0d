"""TIFF files, of any number of bands and pages.

OpenCV reads one band, and pictures in colors. Of other files it makes gray values, or
leaves out pages, without a word; so their tags are read first. Files that OpenCV does
not read as they are stored are left to tifffile.
"""

import io
import json
import warnings
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from .orientation import BACK, TAG, UPRIGHT, turn

MAGIC = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
# Photometric interpretations: 0 and 1 are gray, others are pictures in colors.
GRAY, RGB = (0, 1), 2
INVERTED = 0  # gray, of which 0 is white
NO_DATA = 42113  # tag of GDAL: the value of pixels that were not measured
STRAIGHT = 2  # opacity that colors are not multiplied by
# Compressions that OpenCV is built with: none, LZW, JPEG, Deflate, PackBits.
COMMON = (1, 5, 7, 8, 32773, 32946)
# Bits and sample format (unsigned, signed, float) of what OpenCV reads as it is.
STORED = {(8, 1), (16, 1), (8, 2), (16, 2), (32, 2), (32, 3), (64, 3)}
PICTURES = {(8, 1), (16, 1)}
WHITE_IS_ZERO = {(1, 1), (8, 1), (32, 3)}  # and 16 bits in one of the byte orders


@dataclass(frozen=True)
class Page:
    """What the tags of a page say.

    Args:
        size: Height and width.
        bands: Number of bands.
        stored: Bits of a value and sample format.
        photometric: How bands are shown.
        is_interleaved: Whether the bands of a pixel lie side by side.
        orientation: Orientation tag.
        index: Place of the page in the file, where previews count, too.
        shape: What tifffile has written of the array that all pages make, if it has.
        is_common: Whether OpenCV knows the compression, and there are no tiles, of
            which it reads some sizes only.
        no_data: Value of pixels that were not measured, by the tag of GDAL.
        end: Number of bytes of the file up to the end of its pixels.
    """

    size: tuple[int, int]
    bands: int
    stored: tuple[int, int]
    photometric: int
    is_interleaved: bool
    orientation: int
    index: int = field(compare=False)
    shape: tuple[int, ...] = field(default=(), compare=False)
    is_common: bool = field(default=True, compare=False)
    is_faded: bool = field(default=False, compare=False)
    no_data: float | None = field(default=None, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def is_simple(self) -> bool:
        """Whether OpenCV reads the values that are stored."""
        if not self.is_interleaved or self.is_faded:
            return False
        if self.photometric in GRAY:
            return self.bands == 1 and self.stored in STORED | {(1, 1)}
        if self.photometric == RGB:
            return self.bands in {3, 4} and self.stored in STORED
        return True  # palettes and YCbCr: pictures that must be converted

    @property
    def is_for_pillow(self) -> bool:
        """Whether Pillow reads it, too; it does not know all types of numbers."""
        if self.photometric == INVERTED:
            return self.is_simple and self.stored in WHITE_IS_ZERO
        if self.photometric in GRAY:
            return self.is_simple and self.stored != (64, 3)
        return self.is_simple and (self.photometric != RGB or self.stored in PICTURES)


def is_tiff(content: bytes) -> bool:
    """Whether a file begins as TIFF files do."""
    return content[:4] in MAGIC


def read_pages(content: bytes) -> list[Page]:
    """The pages of a TIFF file, without previews and masks.

    Raises:
        ValueError: If the file is damaged.
    """
    pages = []
    header = content[: 16 if b'+' in content[2:4] else 8]  # + is 43: BigTIFF
    file = io.BytesIO(content)
    try:
        tags = ImageFileDirectory_v2(header)
        seen: list[int] = []
        while tags.next and tags.next not in seen:
            seen.append(tags.next)
            file.seek(tags.next)
            with warnings.catch_warnings():  # of PIL, about damaged files
                warnings.simplefilter('ignore')
                tags.load(file)
            if not tags.get(254, 0) & 0b101:
                pages.append(_page(tags, len(seen) - 1))
    except Exception as error:  # damaged bytes lead to many
        raise ValueError(
            f'the file must be a complete TIFF file, got a damaged one ({error}): '
            'replace it'
        ) from error
    if not pages:
        raise ValueError('the file must have a page, got none: replace it')
    return pages


def _page(tags: Any, index: int) -> Page:
    bits, kinds = tags.get(258, (1,)), tags.get(339, (1,))
    return Page(
        size=(int(tags[257]), int(tags[256])),
        bands=int(tags.get(277, 1)),
        stored=(max(bits), max(kinds)),
        photometric=int(tags.get(262, 1)),
        is_interleaved=tags.get(284, 1) == 1 or tags.get(277, 1) == 1,
        orientation=int(tags.get(TAG, UPRIGHT)),
        index=index,
        shape=_shape(tags.get(270, '')),
        is_common=322 not in tags and tags.get(259, 1) in COMMON,
        is_faded=len(bits) == 4 and max(bits) == 8 and STRAIGHT in tags.get(338, ()),
        no_data=_number(tags.get(NO_DATA)),
        end=_end(tags),
    )


def _end(tags: Any) -> int:
    starts = tags.get(273, tags.get(324, ()))  # of strips, or of tiles
    lengths = tags.get(279, tags.get(325, ()))
    return max((sum(pair) for pair in zip(starts, lengths, strict=False)), default=0)


def _number(text: Any) -> float | None:
    try:
        return float(str(text).strip(' \0'))
    except ValueError:
        return None


def _shape(description: str) -> tuple[int, ...]:
    if not description.startswith('{"shape"'):
        return ()
    try:
        return tuple(json.loads(description)['shape'])
    except ValueError:
        return ()


def decode_tiff(content: bytes, pages: list[Page]) -> NDArray[Any]:
    """Decode a file to (H, W), or (H, W, C) with the bands in the order of the file.

    Several pages of one band each are bands; but where tifffile has written an array
    (H, W, C) as H pages, as it does unless it is told ``planarconfig``, they are rows.

    Args:
        content: The file.
        pages: See :func:`read_pages`.

    Raises:
        ValueError: If pages differ or have several bands each, or the file cannot be
            read.
    """
    first, count = pages[0], len(pages)
    if count > 1 and (first.bands > 1 or len(set(pages)) > 1):
        raise ValueError(
            'a TIFF file must have one page, or pages of one band and one size, got '
            f'{count} pages of {[page.bands for page in pages]} bands: store each page '
            'as a file of its own'
        )
    if first.is_faded and first.is_interleaved and first.stored == (8, 1):
        return _read_with_pillow(content)
    planes = _read_with_opencv(content, pages) if first.is_simple else None
    if planes is None:
        image = _read_with_tifffile(content, first, count)
    else:
        image = np.stack(planes, axis=-1) if count > 1 else planes[0]
    are_rows = count > first.size[1] and first.shape == (count, *first.size)
    return np.moveaxis(image, -1, 0) if are_rows else image


def _read_with_opencv(content: bytes, pages: list[Page]) -> list[NDArray[Any]] | None:
    """The array of each page; None if OpenCV would not read what is stored."""
    buffer = np.frombuffer(content, np.uint8)
    try:
        done, planes = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # a damaged file
        done, planes = False, ()
    first = pages[0]
    if not done or len(planes) <= pages[-1].index:
        if not first.is_common:
            return None
        raise ValueError(
            'the file must be a complete TIFF file, got a damaged one: replace it'
        )
    # OpenCV turns TIFF files, whatever its flags say.
    back = BACK.get(first.orientation, first.orientation)
    stored = [turn(planes[page.index], back) for page in pages]
    if first.photometric == INVERTED and stored[0].dtype.itemsize == 1:
        stored = [np.invert(plane) for plane in stored]  # OpenCV inverts 8 bits only
    return [
        plane if plane.ndim == 2 else plane[..., [2, 1, 0, 3][: plane.shape[2]]]
        for plane in stored
    ]


def _read_with_pillow(content: bytes) -> NDArray[Any]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()  # NumPy would hide that a file is truncated
            return np.asarray(image)
    except Exception as error:
        raise ValueError(
            f'the file must be a complete TIFF file, got a damaged one ({error}): '
            'replace it'
        ) from error


def _read_with_tifffile(content: bytes, page: Page, count: int) -> NDArray[Any]:
    what = f'{count} page(s) of {page.bands} band(s) of {page.stored[0]} bits'
    try:
        import tifffile
    except ImportError as error:
        raise ValueError(
            f'tifffile must be installed to read {what}, got none: pip install '
            "'mmseg-cen[data]', or store the bands as .npy"
        ) from error
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            shown = [p for p in file.pages if not p.subfiletype & 0b101]
            arrays = [np.moveaxis(p.asarray(), _bands_axis(p), -1) for p in shown]
    except Exception as error:
        raise ValueError(
            f'a TIFF file of {what} must be complete, and compressed by no method but '
            f'Deflate unless imagecodecs is installed, got another ({error}): store it '
            'without compression'
        ) from error
    bands = np.concatenate([np.atleast_3d(array) for array in arrays], axis=-1)
    return bands[..., 0] if bands.shape[2] == 1 else bands


def _bands_axis(page: Any) -> int:
    return page.axes.index('S') if 'S' in page.axes else -1
