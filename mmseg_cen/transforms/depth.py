"""Invalid pixels of depth and its like, where a sensor has measured nothing."""

import cv2
import numpy as np


def valid_pixels(image: np.ndarray) -> np.ndarray:
    """Mask (H, W) of the pixels that are finite, and not zero in every channel.

    Args:
        image: Array (H, W) or (H, W, C).
    """
    channels = np.atleast_3d(image)
    return np.isfinite(channels).all(axis=-1) & channels.any(axis=-1)


def fill_nearest(image: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Replace every invalid pixel by a valid one at the least city-block distance.

    Args:
        image: Array (H, W) or (H, W, C).
        valid: Mask (H, W) with at least one valid pixel.
    """
    # OpenCV tells the nearest pixel exactly for this distance, unlike for the
    # Euclidean one; each valid pixel has a label of its own, in no promised order.
    _, labels = cv2.distanceTransformWithLabels(
        (~valid).astype(np.uint8), cv2.DIST_L1, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.empty(labels.max() + 1, dtype=np.intp)
    nearest[labels[valid]] = np.flatnonzero(valid)
    return image.reshape(-1, *image.shape[2:])[nearest[labels]]


def fill_invalid(image: np.ndarray, valid: np.ndarray, fill: float | str) -> np.ndarray:
    """Replace the invalid pixels of an image.

    Args:
        image: Array (H, W) or (H, W, C).
        valid: Mask (H, W).
        fill: A value, or ``'nearest'`` for :func:`fill_nearest`.

    Returns:
        A new array; zero everywhere if no pixel is valid.
    """
    if not valid.any():
        return np.zeros_like(image)
    if fill == 'nearest':
        return fill_nearest(image, valid)
    return np.where(valid.reshape(*valid.shape, *[1] * (image.ndim - 2)), image, fill)
