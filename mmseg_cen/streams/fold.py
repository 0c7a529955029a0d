"""Fold the streams of M modalities into the batch axis, and back.

Shape letters, used bare throughout the package:

    B: batch size
    M: number of modalities, and so of streams
    C: channels of one stream
    K: number of classes
    H, W: height, width

A *packed* tensor keeps the streams side by side on the channel axis, (B, M*C, H, W);
a *folded* one keeps them on the batch axis, (B*M, C, H, W), modality varying fastest.
On contiguous memory the two are views of each other, and a convolution over a folded
tensor is shared by all modalities by construction.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

#: Name of the ensemble among the names of the streams.
ENSEMBLE = 'ensemble'


def fold_streams(packed: Tensor, num_modalities: int) -> Tensor:
    """(B, M*C, H, W) -> (B*M, C, H, W).

    Raises:
        ValueError: If the channels cannot be divided among the modalities.
    """
    channels = packed.shape[1]
    if channels % num_modalities:
        raise ValueError(
            f'packed inputs must hold equally many channels of each of num_modalities='
            f'{num_modalities} modalities, got {channels} channels: make the '
            f'modalities of the data and of the model agree'
        )
    return packed.unflatten(1, (num_modalities, -1)).flatten(0, 1)


def split_streams(folded: Tensor, num_modalities: int) -> Tensor:
    """(B*M, C, H, W) -> (B, M, C, H, W)."""
    return folded.unflatten(0, (-1, num_modalities))


def swap_on_batch(x: Tensor, first: int, second: int) -> Tensor:
    """(B*first*second, ...) -> (B*second*first, ...)."""
    return x.unflatten(0, (-1, first, second)).transpose(1, 2).flatten(0, 2)


def as_no_view(x: Tensor) -> Tensor:
    """``x`` as a tensor that autograd does not take for a view of another one.

    Where a view is changed in place, the gradient of the whole is copied three times.
    Torch no longer sees that such a change spoils what a backward pass needs: ``x``
    must be a view of a tensor that is used nowhere else, the operation that made it
    included.
    """
    out: Tensor = torch.ops.aten._unsafe_view(x, x.shape)
    return out


def map_tensors(function: Callable[[Tensor], Any], outputs: Any) -> Any:
    """Apply ``function`` to each tensor of nested lists, tuples and dicts."""
    if isinstance(outputs, Tensor):
        return function(outputs)
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(map_tensors(function, part) for part in outputs)
    if isinstance(outputs, dict):
        return {key: map_tensors(function, part) for key, part in outputs.items()}
    return outputs
