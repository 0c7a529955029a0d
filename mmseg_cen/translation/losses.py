"""Adversarial and L1 losses of image translation, as pure functions."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_cen.streams.precision import at_least_float32

GANLoss = Literal['bce', 'least_squares']


def check_gan_loss(loss: str) -> None:
    """Raise a ValueError unless ``loss`` is a :data:`GANLoss`."""
    if loss not in get_args(GANLoss):
        raise ValueError(
            f'`gan_loss` must be one of {get_args(GANLoss)}, binary cross-entropy, as '
            f'in pix2pix, or least squares (LSGAN), got {loss!r}: choose one of them'
        )


def gan_loss(logits: Tensor, real: bool, loss: GANLoss = 'bce') -> Tensor:
    """Distance of the discriminator's judgment from "real", or from "fake".

    Args:
        logits: Output of the discriminator, (N, 1, h, w).
        real: Whether it should take the images for real.
        loss: ``'bce'``: mean binary cross-entropy; ``'least_squares'``: mean squared
            distance of the outputs, taken as they are, from 1 or 0.
    """
    logits = at_least_float32(logits)
    label = torch.full_like(logits, float(real))
    if loss == 'bce':
        return F.binary_cross_entropy_with_logits(logits, label)
    return F.mse_loss(logits, label)


def masked_l1(image: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean absolute error over the valid pixels of each image, averaged over images.

    Each image counts alike, however many of its pixels are valid: the loss of a batch
    is the mean of the losses of its halves. An image without valid pixels counts as 0.

    Args:
        image: (B, C, H, W).
        target: (B, C, H, W).
        valid: Which pixels of the target are known, bool (B, 1, H, W); ``None``: all.
    """
    error = (at_least_float32(image) - at_least_float32(target)).abs()
    if valid is None:
        return error.mean()
    count = error.shape[1] * valid.sum(dim=(1, 2, 3))
    return (torch.where(valid, error, 0).sum(dim=(1, 2, 3)) / count.clamp(min=1)).mean()
