"""Pictures that the released code of the paper compares by FID and KID."""

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from ..outputs import to_three_channels


def released_picture(image: Tensor) -> Tensor:
    """An image, stretched to its own minimum and maximum and drawn by matplotlib.

    The released code saves every image, predicted or not, as a figure of 5×5 inches,
    500×500 pixels, that the axes fill, after stretching it to 0 ... 255 and cutting
    decimals off. So neither brightness nor contrast of an image counts, and matplotlib
    decides how it is enlarged (its default, ``image.interpolation``).

    Args:
        image: (C, H, W), C at most 3, of any range. A constant image becomes black.

    Returns:
        (3, 500, 500) uint8.
    """
    image = to_three_channels(image.float().cpu())
    low, high = image.min(), image.max()
    span = high - low if high > low else torch.ones(())
    levels = ((image - low) * 255 / span).to(torch.uint8)
    figure = Figure(figsize=(5, 5), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis('off')
    axes.imshow(levels.permute(1, 2, 0).numpy(), aspect='equal')
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3]
    return torch.from_numpy(drawn.transpose(2, 0, 1).copy())
