"""Pictures that the released code of the paper compares by FID and KID."""

import torch
from torch import Tensor

from mmseg_cen.visualization.figures import new_figure, to_picture

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
    figure = new_figure(5, 5, 100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis('off')
    axes.imshow(levels.permute(1, 2, 0).numpy(), aspect='equal')
    return torch.from_numpy(to_picture(figure).transpose(2, 0, 1).copy())
