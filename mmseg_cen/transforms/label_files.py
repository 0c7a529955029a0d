"""Label files: the integers that they store."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mmcv
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mmseg_cen.disk import damage_in_words

from .decoding import decode
from .tiff import INVERTED, decode_tiff, is_tiff, read_pages

# Formats, and compressions within TIFF, that may store other values than were given.
LOSSY = {'JPEG', 'MPO', 'JPEG2000', 'WEBP', 'AVIF', 'jpeg', 'tiff_jpeg', 'webp'}

# Highest value of gray images of fewer bits, which PIL stretches to 0..255.
HIGHEST = {'L;2': 3, 'L;4': 15}

SAMPLE_FORMAT, SIGNED = 339, 2  # of a TIFF file


def decode_labels(
    content: bytes, path: str, backend: str = 'pillow'
) -> NDArray[np.integer]:
    """The integers (H, W) that a label file stores, of the type of the file.

    An image with a palette stores the indices of its colors.

    Args:
        content: The file: an image or ``.npy``.
        path: Its name, for the format and for error messages.
        backend: Decoder of images, see :func:`mmcv.imfrombytes`.

    Raises:
        ValueError: If the file is damaged, of a lossy format, or holds several pages,
            several channels or values that are no integers.
    """
    if path.lower().endswith('.npy'):
        with damage_named(content, path):
            labels = decode(content, '.npy')
    elif backend == 'pillow':
        labels = _decode_image(content, path)
    else:
        with damage_named(content, path):
            labels = mmcv.imfrombytes(content, flag='unchanged', backend=backend)
            if labels is None:  # so says OpenCV
                raise ValueError('it cannot be decoded')
    if labels.ndim == 3 and 1 in {labels.shape[0], labels.shape[2]}:
        labels = labels.squeeze(2 if labels.shape[2] == 1 else 0)
    if labels.ndim != 2:
        raise ValueError(_several_channels(labels.shape[-1], path))
    if labels.dtype.kind not in 'bui':
        raise ValueError(
            f'labels must be integers, got {labels.dtype} in {path}: store the index '
            'of the class of each pixel'
        )
    return labels.astype(np.uint8) if labels.dtype == bool else labels


@contextmanager
def damage_named(content: bytes, path: str) -> Iterator[None]:
    """Name the file in the error of its decoder, whatever that is."""
    try:
        yield
    except Exception as error:  # damaged bytes lead to many
        what = damage_in_words(error.__cause__ or error)
        if isinstance(error, UnidentifiedImageError):  # it names an address in memory
            what = 'one of an unknown format'
        raise ValueError(
            f'labels must be a complete file, got {what if content else "an empty one"}'
            f', {path}: replace it'
        ) from error


def _several_channels(number: int, path: str) -> str:
    return (
        f'labels must have one channel, the index of the class of each pixel, got '
        f'{number} channels in {path}: store one of them if all are alike, or convert '
        'colors to indices'
    )


def _decode_image(content: bytes, path: str) -> NDArray[Any]:
    with damage_named(content, path):
        pages = read_pages(content) if is_tiff(content) else []
    if pages and pages[0].photometric == INVERTED:
        raise ValueError(
            f'labels must be stored with 0 as black, got 0 as white in {path}, which '
            'programs invert or not (PhotometricInterpretation): store them as PNG'
        )
    with damage_named(content, path):
        try:
            image: Any = Image.open(io.BytesIO(content))
        except UnidentifiedImageError:
            if pages:  # of a type that PIL does not know, as int64
                return decode_tiff(content, pages)
            raise
        if image.format == 'PNG':
            image.verify()  # the check sums, which decoding skips
            image = Image.open(io.BytesIO(content))
        count = getattr(image, 'n_frames', 1)
    if lossy := {image.format, image.info.get('compression')} & LOSSY:
        raise ValueError(
            f'labels must be stored without loss, got {lossy.pop()} in {path}, which '
            'changes values: convert the original labels to PNG'
        )
    if count > 1:
        raise ValueError(
            f'labels must be one image, got {count} pages in {path}: store one'
        )
    if (number := len(image.getbands())) > 1:
        raise ValueError(_several_channels(number, path))
    highest = _highest_gray(image)
    with damage_named(content, path):
        image.load()  # NumPy would hide that a file is truncated
        labels = np.asarray(image)
    if image.format == 'TIFF':
        # PIL takes 8 bits for unsigned, and 32 bits for signed.
        signed = SIGNED in image.tag_v2.get(SAMPLE_FORMAT, (1,))
        if signed and content.startswith(b'MM'):  # PIL swaps bytes of compressed ones
            return decode_tiff(content, pages)
        types = {('L', True): np.int8, ('I', False): np.uint32}
        labels = labels.view(types.get((image.mode, signed), labels.dtype))
    if highest is not None:
        top = 255 if labels.dtype == np.uint8 else 65535
        labels = np.rint(labels * (highest / top)).astype(labels.dtype)
    return labels


def _highest_gray(image: Any) -> int | None:
    """The stored value that PIL stretches to white; None if it stretches nothing."""
    how = image.tile[0][3] or '' if image.tile else ''
    raw, *more = (how,) if isinstance(how, str) else how
    return more[0] if image.format == 'PPM' and more else HIGHEST.get(raw)
