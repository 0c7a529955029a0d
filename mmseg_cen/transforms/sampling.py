"""Resample one array, so that all interpolations agree on where pixels lie.

Pixel i of a row covers the interval from i to i+1, and its center is i + 0.5. Bilinear
and the other smooth interpolations of OpenCV see it so. ``cv2.INTER_NEAREST``, which
mmcv calls 'nearest', takes the corner of a pixel for its center: depth and labels would
lie half a pixel of the result to the upper left of RGB.
"""

from collections.abc import Callable

import mmcv
import numpy as np

#: Types of arrays that OpenCV pads and rotates all alike. Others are refused, become
#: another type, as int64 does, or are rounded otherwise where it rotates.
OPENCV_TYPES = ('uint8', 'uint16', 'float32')

#: Types of arrays that OpenCV resizes by other interpolations than 'nearest'.
RESIZED_TYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')

MAX_CHANNELS = 512  # CV_CN_MAX of OpenCV: so many at once
MAX_CHANNELS_OF_AREAS = 4  # where areas are not of whole pixels


def nearest_pixels(length: int, new_length: int) -> np.ndarray:
    """For each pixel of a resized row, the pixel of the row in which its center lies.

    It is within half a pixel of the place where bilinear interpolation samples. A
    center on the edge between two pixels counts to the second one. The arithmetic is
    of integers: ``cv2.INTER_NEAREST_EXACT`` does the same up to a rounding error.

    Args:
        length: Number of pixels of the row.
        new_length: Their number after resizing.
    """
    return (2 * np.arange(new_length) + 1) * length // (2 * new_length)


def resize_nearest(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an array (H, W, ...) of any type to ``size``, (width, height)."""
    width, height = size
    rows = nearest_pixels(image.shape[0], height)
    columns = nearest_pixels(image.shape[1], width)
    # Nothing is clipped; without a check of each index, this is twice as fast.
    return image.take(columns, axis=1, mode='clip').take(rows, axis=0, mode='clip')


def resize(
    image: np.ndarray, size: tuple[int, int], interpolation: str, backend: str = 'cv2'
) -> np.ndarray:
    """Resize an array (H, W) or (H, W, C).

    Args:
        image: Of any type; integers that OpenCV does not resize are rounded.
        size: Width and height of the result, pixels.
        interpolation: One of :data:`~mmseg_cen.modality.INTERPOLATIONS`.
        backend: Of mmcv, 'cv2' or 'pillow', for other interpolations than 'nearest'.

    Raises:
        ValueError: If the result would have no pixel.
    """
    if min(size) < 1:
        raise ValueError(
            '`scale` must leave each side at least one pixel, got '
            f'{size[0]}x{size[1]} of an image of {image.shape[1]}x{image.shape[0]}: '
            'raise `scale`, or its smallest factor'
        )
    if interpolation == 'nearest':
        return resize_nearest(image, size)
    if image.dtype.name not in RESIZED_TYPES:
        values = resize(image.astype(np.float64), size, interpolation, backend)
        if image.dtype.kind in 'ui':
            limits = np.iinfo(image.dtype)
            values = np.rint(values).clip(limits.min, limits.max)
        return values.astype(image.dtype)
    channels = image.reshape(*image.shape[:2], -1)
    most = MAX_CHANNELS_OF_AREAS if interpolation == 'area' else MAX_CHANNELS
    resized = [
        np.atleast_3d(
            mmcv.imresize(
                np.ascontiguousarray(channels[..., first : first + most]),
                size,
                interpolation=interpolation,
                backend=backend,
            )
        )
        for first in range(0, channels.shape[2], most)
    ]
    return np.concatenate(resized, axis=-1).reshape(*size[::-1], *image.shape[2:])


def move_values(
    move: Callable[[np.ndarray, float], np.ndarray], plane: np.ndarray, border: float
) -> np.ndarray:
    """Move the values of an array (H, W) of any type by a function of OpenCV.

    The values of a type that OpenCV refuses, or moves by other roundings, go through it
    as several words of 16 bits.

    Args:
        move: ``move(array, border)``, which may not calculate with values.
        plane: The array.
        border: Value of pixels from outside of the array.
    """
    if plane.dtype.name in OPENCV_TYPES:
        return move(plane, border)
    word = np.uint8 if plane.dtype.itemsize == 1 else np.uint16
    words = np.ascontiguousarray(plane)[..., None].view(word)
    borders = np.array([border]).astype(plane.dtype).view(word).tolist()
    # One by one, as OpenCV rounds pixels of four words otherwise.
    moved = [
        move(np.ascontiguousarray(words[..., k]), borders[k])
        for k in range(len(borders))
    ]
    return np.stack(moved, axis=-1).view(plane.dtype)[..., 0]
