"""One norm layer that holds a copy of the tensors of another for each modality."""

import copy
from typing import Any

from torch import Tensor, nn


def num_channels(norm: Any) -> int:
    """Channels C of a norm layer of any type."""
    if isinstance(norm, nn.LayerNorm):
        return norm.normalized_shape[0]
    return norm.num_channels if isinstance(norm, nn.GroupNorm) else norm.num_features


def repeat_channels(tensor: Tensor, num_modalities: int) -> Tensor:
    """(C, ...) -> (M*C, ...)."""
    return tensor.repeat(num_modalities, *[1] * (tensor.ndim - 1))


def pack_copies(norm: Any, num_modalities: int) -> Any:
    """A layer of the type of ``norm``, over the channels of M modalities side by side.

    Each of its tensors is M copies of the tensor of ``norm``.
    """
    packed = copy.deepcopy(norm)
    for name, parameter in norm.named_parameters(recurse=False):
        copies = repeat_channels(parameter.detach(), num_modalities)
        setattr(packed, name, nn.Parameter(copies, parameter.requires_grad))
    for name, buffer in norm.named_buffers(recurse=False):
        if buffer.ndim:  # not `num_batches_tracked`
            setattr(packed, name, repeat_channels(buffer, num_modalities))
    for size in ('num_features', 'num_channels', 'num_groups'):
        if hasattr(norm, size):
            setattr(packed, size, num_modalities * getattr(norm, size))
    if isinstance(norm, nn.LayerNorm):
        C, *ones = norm.normalized_shape
        packed.normalized_shape = (num_modalities * C, *ones)
    return packed
