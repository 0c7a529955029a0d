"""Linear layers side by side, one for each modality or pair of modalities."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PackedLinear(nn.Module):
    """M linear layers as one batched product.

    Args:
        copies: Number of layers M.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        std: Standard deviation of the initial weights; biases start at 0.

    Shape:
        - Input: (M, T, C).
        - Output: (M, T, out_channels).
    """

    def __init__(
        self, copies: int, in_channels: int, out_channels: int, std: float = 0.02
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(copies, in_channels, out_channels))
        self.bias = nn.Parameter(torch.zeros(copies, out_channels))
        if std:
            nn.init.trunc_normal_(self.weight, std=std)

    def forward(self, x: Tensor, layers: Sequence[int] | None = None) -> Tensor:
        """Apply the layers, or for each of the inputs the layer of this number."""
        weight = self.weight if layers is None else self.weight[layers]
        bias = self.bias if layers is None else self.bias[layers]
        return torch.baddbmm(bias[:, None], x, weight)

    def extra_repr(self) -> str:
        return ', '.join(map(str, self.weight.shape))


def copies_first(tokens: Tensor) -> Tensor:
    """(B, M, N, C) -> (M, B*N, C)."""
    return tokens.transpose(0, 1).flatten(1, 2)


def copies_second(x: Tensor, like: Tensor) -> Tensor:
    """(M, B*N, C) -> (B, M, N, C), the inverse of :func:`copies_first`."""
    return x.unflatten(1, (like.shape[0], -1)).transpose(0, 1)


def xavier(channels: int) -> float:
    """Standard deviation of the weights of a square layer, by Glorot."""
    return math.sqrt(1 / channels)
