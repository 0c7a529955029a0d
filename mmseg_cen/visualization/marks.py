"""Numbers of classes within their regions, where colors alone no longer tell them."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

# Regions are looked for in maps of this many pixels a side at most.
_SIDE = 320


class Mark(NamedTuple):
    """A text in a picture: its center and the room around it, as shares of the width.

    Args:
        x: From the left.
        y: From above, in widths, too.
        radius: Of the largest circle that lies in the region.
        text: What is written.
    """

    x: float
    y: float
    radius: float
    text: str


def mark_classes(labels: NDArray[np.integer], num_classes: int) -> tuple[Mark, ...]:
    """The number of each class, where its widest region is widest.

    Args:
        labels: (H, W) indices of classes; others are not marked.
        num_classes: K.
    """
    step = -(-max(labels.shape) // _SIDE)
    small = labels[::step, ::step]
    width = small.shape[1]
    marks = []
    for k in np.unique(small):
        if not 0 <= k < num_classes:
            continue
        region = np.pad((small == k).astype(np.uint8), 1)  # it ends at the border
        distance = cv2.distanceTransform(region, cv2.DIST_L2, 3)
        radius = float(distance.max())
        y, x = _middle(distance > 0.95 * radius)
        marks.append(Mark((x - 0.5) / width, (y - 0.5) / width, radius / width, str(k)))
    return tuple(marks)


def _middle(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the pixel of a mask that is nearest to the mean of all."""
    pixels = np.argwhere(mask)
    nearest = ((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()
    y, x = pixels[nearest].tolist()
    return y, x
