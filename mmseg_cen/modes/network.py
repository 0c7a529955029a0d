"""The modes of a network, all in one call."""

from typing import Any

from torch import nn

from mmseg_cen.streams.state import unwrap

from .compilation import compile_network
from .memory import checkpoint_activations, use_channels_last


def set_network_modes(
    model: nn.Module,
    channels_last: bool = False,
    compile: bool | dict[str, Any] = False,  # as mmengine names it
    activation_checkpointing: bool = False,
) -> None:
    """Let a network run in modes that change its cost and not what it computes.

    Args:
        model: The network, which may be wrapped; changed in place.
        channels_last: See :func:`use_channels_last`.
        compile: See :func:`compile_network`; a dict holds arguments of
            ``torch.compile``.
        activation_checkpointing: See :func:`checkpoint_activations`.

    Raises:
        ValueError: If the network has no such mode here.
    """
    network = unwrap(model)
    if channels_last:
        use_channels_last(network)
    if activation_checkpointing:
        checkpoint_activations(network)
    if compile is not False:
        compile_network(network, {} if compile is True else compile)
