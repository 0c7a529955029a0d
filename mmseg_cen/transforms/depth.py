"""Invalid pixels of depth and similar images, where a sensor has measured nothing."""

import cv2
import numpy as np


def valid_pixels(image: np.ndarray) -> np.ndarray:
    """Find the pixels that are finite, and not zero in every channel: a mask (H, W).

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
    filled = image.copy()
    if valid.all():
        return filled
    # OpenCV finds the nearest pixel exactly for this distance, unlike for the Euclidean
    # one. Each valid pixel has a label of its own, in no promised order.
    _, labels = cv2.distanceTransformWithLabels(
        (~valid).astype(np.uint8), cv2.DIST_L1, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.empty(labels.max() + 1, dtype=np.intp)
    nearest[labels[valid]] = np.flatnonzero(valid)
    filled[~valid] = image.reshape(-1, *image.shape[2:])[nearest[labels[~valid]]]
    return filled


def fill_inpaint(image: np.ndarray, valid: np.ndarray, radius: float = 5) -> np.ndarray:
    """Continue valid pixels smoothly into invalid ones (Bertalmio et al., CVPR 2001).

    Args:
        image: Array (H, W) or (H, W, C), of type uint8, uint16 or float32.
        valid: Mask (H, W) with at least one valid pixel.
        radius: Radius of the neighborhood of an invalid pixel that counts, pixels.
    """
    channels = np.atleast_3d(image)
    known = np.where(valid[..., None], channels, 0)  # invalid pixels may be NaN
    hole = (~valid).astype(np.uint8)
    # The other method of OpenCV, by Telea, is wrong for float32.
    planes = [
        cv2.inpaint(np.ascontiguousarray(known[..., c]), hole, radius, cv2.INPAINT_NS)
        for c in range(known.shape[2])
    ]
    filled = np.where(valid[..., None], channels, np.stack(planes, axis=-1))
    return filled.reshape(image.shape)


def fill_invalid(image: np.ndarray, valid: np.ndarray, fill: float | str) -> np.ndarray:
    """Replace the invalid pixels of an image.

    Args:
        image: Array (H, W) or (H, W, C).
        valid: Mask (H, W).
        fill: A value, ``'nearest'`` for :func:`fill_nearest`, or ``'inpaint'`` for
            :func:`fill_inpaint`.

    Returns:
        A new array; zero everywhere if no pixel is valid.
    """
    if not valid.any():
        return np.zeros_like(image)
    if fill == 'nearest':
        return fill_nearest(image, valid)
    if fill == 'inpaint':
        return fill_inpaint(image, valid)
    return np.where(valid.reshape(*valid.shape, *[1] * (image.ndim - 2)), image, fill)
