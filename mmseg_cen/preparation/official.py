"""Read files of official downloads; the message about a damaged file names it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmseg_cen.transforms.label_files import decode_labels

from .files import check_complete, check_image, decode_complete


def read_image(path: str | Path) -> NDArray[Any]:
    """Read an image as it is: (H, W), BGR (H, W, 3) or BGR and a fourth channel.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged.
    """
    content = Path(path).read_bytes()
    try:
        return decode_complete(content)
    except ValueError as error:
        raise ValueError(f'{path} {error}') from error


def read_indices(path: str | Path) -> NDArray[Any]:
    """Read labels as they are stored: (H, W), or RGB (H, W, C).

    The values of an image with a palette are the indices, not the colors.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged, or indices are no integers, of several
            pages or of a lossy format.
    """
    content = Path(path).read_bytes()
    try:
        check_image(content)
    except ValueError as error:
        if _is_of_another_type(content):
            return decode_labels(content, str(path))
        raise ValueError(f'{path} {error}') from error
    with Image.open(io.BytesIO(content)) as image:
        if len(image.getbands()) > 1:
            return np.asarray(image)
    return decode_labels(content, str(path))


def _is_of_another_type(content: bytes) -> bool:
    """Whether an image is complete, and of a type that PIL does not know."""
    try:
        return not check_complete(content)
    except ValueError:
        return False


def check_labels(
    path: str | Path,
    labels: NDArray[Any],
    low: int,
    high: int,
    void: int | None = None,
    fix: str = 'correct them',
) -> None:
    """Refuse labels that are neither within low..high nor void.

    Args:
        path: The file, as the message names it.
        labels: Labels (H, W).
        low: The least label.
        high: The greatest label.
        void: The label of pixels without one, if there is one.
        fix: What the message advises.

    Raises:
        ValueError: If there are such labels; the message names the file.
    """
    wrong = np.unique(labels[(labels < low) | (labels > high)])
    wrong = wrong[wrong != void]
    if wrong.size:
        also = '' if void is None else f' or {void}'
        raise ValueError(
            f'{path}: labels must be {low}..{high}{also}, got '
            f'{wrong[:10].tolist()}: {fix}'
        )


def three_channels(image: NDArray[Any]) -> NDArray[Any]:
    """Three channels (H, W, 3) of an image (H, W[, C]), without opacity.

    A single channel is repeated.
    """
    channels = np.atleast_3d(image)
    if channels.shape[2] in {1, 2}:
        return np.repeat(channels[..., :1], 3, axis=2)
    return channels[..., :3]
