"""Read files of official downloads, and name those that are damaged."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .layout import decode_complete


def read_image(path: str | Path) -> NDArray[Any]:
    """Read an image as it is: (H, W), BGR (H, W, 3) or BGR and a fourth channel.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it is damaged.
    """
    content = Path(path).read_bytes()
    try:
        return decode_complete(content)
    except ValueError as error:
        raise ValueError(f'{path} {error}') from error


def read_indices(path: str | Path) -> NDArray[Any]:
    """Read labels as they are stored: (H, W), or RGB (H, W, C).

    Of an image with a palette these are the indices, not the colours.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it is damaged.
    """
    read_image(path)
    with Image.open(io.BytesIO(Path(path).read_bytes())) as image:
        return np.asarray(image)


def check_labels(
    path: str | Path, labels: NDArray[Any], low: int, high: int, void: int | None = None
) -> None:
    """Raise a ValueError that names the file unless labels are low..high or void."""
    wrong = np.unique(labels[(labels < low) | (labels > high)])
    wrong = wrong[wrong != void]
    if wrong.size:
        also = '' if void is None else f' or {void}'
        raise ValueError(
            f'{path}: labels must be {low}..{high}{also}, got {wrong[:10].tolist()}'
        )


def three_channels(image: NDArray[Any]) -> NDArray[Any]:
    """Repeat one channel, or leave out the opacity: (H, W[, C]) to (H, W, 3)."""
    channels = np.atleast_3d(image)
    if channels.shape[2] in {1, 2}:
        return np.repeat(channels[..., :1], 3, axis=2)
    return channels[..., :3]
