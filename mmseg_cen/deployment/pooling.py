"""Adaptive average pooling as two products of matrices, for images of any size.

The pooling of PyTorch cannot be exported for sizes that are not known: ONNX has no such
operator, and the windows depend on the size. Window i of n over L pixels is
``floor(i*L/n) <= p < ceil((i+1)*L/n)``; a mean over windows of rows and columns is a
product with a matrix on each side, whose entries follow from n and L by arithmetic.
"""

from typing import Any

import torch
from torch import Tensor, nn


def averaging_matrix(bins: int, x: Tensor, dim: int) -> Tensor:
    """Weights of the pixels in each of n windows, (n, L).

    Args:
        bins: Number n of windows.
        x: Features; the matrix has their type and device.
        dim: The axis of L pixels.
    """
    length = x.shape[dim]
    window = torch.arange(bins, device=x.device)
    first = window * length // bins
    end = ((window + 1) * length + bins - 1) // bins
    pixel = torch.arange(length, device=x.device)
    inside = (first[:, None] <= pixel) & (pixel < end[:, None])
    return inside.to(x.dtype) / (end - first).to(x.dtype)[:, None]


class MatrixAvgPool2d(nn.Module):
    """What :class:`torch.nn.AdaptiveAvgPool2d` computes, up to rounding.

    Args:
        height: Rows h of the output; ``None``: those of the input.
        width: Columns w of the output; ``None``: those of the input.

    Shape:
        (..., H, W) -> (..., h, w).
    """

    def __init__(self, height: int | None, width: int | None) -> None:
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        if self.height is not None:
            x = averaging_matrix(self.height, x, -2) @ x
        if self.width is not None:
            x = x @ averaging_matrix(self.width, x, -1).T
        return x

    def extra_repr(self) -> str:
        return f'{self.height}, {self.width}'


def replace_pooling(module: nn.Module) -> None:
    """Replace adaptive average pooling within a module, which is changed in place."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d):
                size: Any = child.output_size
                height, width = (size, size) if isinstance(size, int) else size
                setattr(parent, name, MatrixAvgPool2d(height, width))
