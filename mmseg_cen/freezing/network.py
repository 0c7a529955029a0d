"""The part of a model whose streams exchange channels."""

from typing import Any

from torch import Tensor

from mmseg_cen.streams.state import unwrap


def network_of(model: Any) -> Any:
    """The backbone of a segmentor, the generator of a translation, or ``model``.

    Several processes wrap a generator on its own; it is the one within the wrapper.

    Raises:
        ValueError: If that is no network over packed modalities.
    """
    network = model
    if not hasattr(model, 'num_modalities'):
        part = getattr(model, 'backbone', getattr(model, 'generator', model))
        network = unwrap(part)
    if not hasattr(network, 'num_modalities'):
        raise ValueError(
            f'`model` must have a backbone or generator over several modalities, or be '
            f'one, got {type(model).__name__} with {type(network).__name__}: take a '
            f'CENSegmentor, or another model of a CENResNet or CENBackbone'
        )
    return network


def blank_input(network: Any, size: tuple[int, int]) -> Tensor:
    """Packed modalities without content, (1, M*C, H, W)."""
    return next(network.parameters()).new_zeros(1, network.packed_channels, *size)
