"""Pictures of a prediction, large enough to be looked at."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg_cen.visualization.panels import Picture, color_modality, picture_size

AGREED = (228, 228, 231)
DISAGREED = (220, 38, 38)


def enlarged(picture: Picture) -> Picture:
    """A picture at the size of a panel: the pixels of a small one stay squares."""
    height, width = picture_size(*picture.shape[:2])
    if (height, width) == picture.shape[:2]:
        return picture
    smaller = height < picture.shape[0]
    method = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST_EXACT
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method))


def confidence_picture(confidence: NDArray[np.floating]) -> Picture:
    """Confidences (H, W) in [0, 1] in the colors of viridis, 1 is yellow."""
    level = (255 * confidence.clip(0, 1)).round().astype(np.uint8)
    return np.ascontiguousarray(
        cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    )


def disagreement(streams: Mapping[str, NDArray[np.integer]]) -> NDArray[np.bool_]:
    """Where one of the streams predicts another class than the others, (H, W)."""
    first, *others = streams.values()
    differs = np.zeros(first.shape, bool)
    for other in others:
        differs |= other != first
    return differs


def disagreement_picture(differs: NDArray[np.bool_]) -> Picture:
    """Pixels where streams disagree in red, others in gray."""
    return np.asarray([AGREED, DISAGREED], np.uint8)[differs.astype(int)]


def blank(shape: tuple[int, ...]) -> Picture:
    """A gray picture (H, W, 3), where there is nothing to show."""
    return np.full((*shape[:2], 3), 212, np.uint8)


def modality_picture(image: NDArray[np.floating], unit: str) -> tuple[Picture, str]:
    """A modality (C, H, W) in colors, and what they mean.

    Args:
        image: In the units of the modality; NaN where nothing was measured.
        unit: What its values are measured in, such as ``'m'``; empty if unknown.
    """
    picture, span = color_modality(image)
    known = span and span[0].isdigit()
    return picture, f'{span} {unit}' if known and unit else span
