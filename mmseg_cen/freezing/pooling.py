"""Max pooling on a CPU, which takes longer than the convolutions around it."""

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn


def is_plain_pool(layer: nn.Module | None) -> TypeGuard[nn.MaxPool2d]:
    """Whether a layer is a max pooling that returns the largest values alone."""
    return type(layer) is nn.MaxPool2d and not layer.return_indices


class FrozenMaxPool(nn.Module):
    """Max pooling over ``channels_last`` memory on a CPU, where torch vectorizes it.

    Behind the stem of a ResNet, on contiguous memory, it is a sixth of an encoder's
    time; with both copies of the memory format it takes a quarter to a half of that.

    Args:
        pool: The pooling.

    Shape:
        Those of ``pool``, in the memory format of the input.
    """

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Any) -> Any:
        graph = torch.jit.is_tracing() or torch.compiler.is_compiling()
        if graph or not isinstance(x, Tensor) or x.is_cuda or not x.is_contiguous():
            return self.pool(x)
        last = x.contiguous(memory_format=torch.channels_last)
        return self.pool(last).contiguous()
