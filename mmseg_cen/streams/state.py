"""State dicts compared with networks: which tensors fit, and which do not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor

_SHOWN_NAMES = 5

Shapes = dict[str, tuple[int, ...]]


def unwrap(module: Any) -> Any:
    """The network within wrappers: several processes, test-time augmentation."""
    while is_model_wrapper(module) or isinstance(module, BaseTTAModel):
        module = module.module
    return module


def tensor_shapes(state: Mapping[str, Any]) -> Shapes:
    """Shapes of the tensors of a state dict by name.

    Counters of batches are left out: old checkpoints lack them.
    """
    return {
        name: tuple(value.shape)
        for name, value in state.items()
        if isinstance(value, Tensor) and not name.endswith('num_batches_tracked')
    }


def describe_differences(
    given: Shapes, wanted: Shapes, shown: int = _SHOWN_NAMES
) -> str:
    """How the tensors of a checkpoint differ from a network's; empty if they agree.

    Args:
        given: Shapes of the checkpoint.
        wanted: Shapes of the network.
        shown: How many names are written out for each difference.
    """
    reshaped = (
        f'{name} {given[name]} instead of {wanted[name]}'
        for name in given
        if name in wanted and given[name] != wanted[name]
    )
    parts: dict[str, Iterable[str]] = {
        'missing': (name for name in wanted if name not in given),
        'unexpected': (name for name in given if name not in wanted),
        'of another shape': reshaped,
    }
    found = {what: list(names) for what, names in parts.items()}
    return '; '.join(
        f'{len(names)} {what} ({first_names(names, shown)})'
        for what, names in found.items()
        if names
    )


def first_names(names: Sequence[object], shown: int = _SHOWN_NAMES) -> str:
    """Some names for a message."""
    more = ', ...' if len(names) > shown else ''
    return ', '.join(map(str, names[:shown])) + more
