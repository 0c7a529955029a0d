"""Losses of depth and of normals, over the pixels that have a target."""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean of the values (B, ...) where ``valid`` (B, ...) is true; 0 if it never is.

    With a gradient in either case: processes that train together need the same losses.
    """
    return torch.where(valid, values, 0).sum() / valid.sum().clamp(min=1)


def log_l1(log_depth: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    r"""Mean of :math:`|\log \hat d - \log d|`, a scalar.

    Args:
        log_depth: Logarithm of the predicted depth in meters, (B, 1, H, W).
        target: Depth, meters, (B, 1, H, W).
        valid: Which pixels count, bool (B, 1, H, W).
    """
    known = torch.where(valid, target, 1)
    return masked_mean((log_depth - known.log()).abs(), valid)


def berhu(log_depth: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    r"""The reverse Huber loss, a scalar.

    With the error :math:`e = |\hat d - d|` in meters: :math:`e` up to :math:`c`, and
    :math:`(e^2 + c^2) / 2c` beyond, :math:`c` a fifth of the largest error of the batch
    ("Deeper Depth Prediction with Fully Convolutional Residual Networks", Laina et
    al., 3DV 2016, Eq. 1).

    Args:
        log_depth: As of :func:`log_l1`.
        target: As of :func:`log_l1`.
        valid: As of :func:`log_l1`.
    """
    error = torch.where(valid, log_depth.exp() - target, 0).abs()
    c = (error.detach().max() / 5).clamp(min=torch.finfo(error.dtype).eps)
    return masked_mean(
        torch.where(error <= c, error, (error**2 + c**2) / (2 * c)), valid
    )


def cosine_loss(normals: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean of one minus the cosine between the directions, a scalar in [0, 2].

    Args:
        normals: Vectors of any length, (B, 3, H, W).
        target: Unit vectors, (B, 3, H, W).
        valid: Which pixels count, bool (B, 1, H, W).
    """
    cosine = cosine_similarity(normals, torch.where(valid, target, 1), dim=1)
    return masked_mean(1 - cosine, valid[:, 0])
