"""What the converters of released checkpoints share."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmseg_cen.streams.state import first_names


def join_copies(parts: Sequence[Tensor]) -> Tensor:
    """One tensor of M private ones; of M counts, the first."""
    return torch.cat(list(parts)) if parts[0].ndim else parts[0]


def split_copies(tensor: Tensor, count: int) -> list[Tensor]:
    """Inverse of :func:`join_copies`."""
    if not tensor.ndim:
        return [tensor] * count
    return [part.clone() for part in tensor.chunk(count)]


def state_dict_of(checkpoint: Any) -> dict[str, Tensor]:
    """The tensors of a checkpoint, without the prefix of (Distributed)DataParallel.

    Raises:
        ValueError: It holds none, or something else besides.
    """
    state = checkpoint
    for key in ('segmenter', 'state_dict', 'model'):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not state:
        raise ValueError(
            f'a checkpoint is a dict of named tensors, got {type(state).__name__}; '
            f'give the file that the training saved'
        )
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise ValueError(
            f'a state dict holds tensors only, but this file has other entries '
            f'({first_names(others)}); give the file that the training saved'
        )
    return {str(name).removeprefix('module.'): value for name, value in state.items()}
