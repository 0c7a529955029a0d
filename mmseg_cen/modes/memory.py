"""Memory of a network: the layout of its activations, and which of them are kept."""

import torch
from torch import nn


def use_channels_last(network: nn.Module) -> None:
    """Let a network compute with the channels of a pixel side by side in memory.

    The weights of its convolutions are brought into this layout, once; the first
    convolution then hands it on to all that follows, whatever the layout of its input.

    Args:
        network: Changed in place; the values of its parameters stay.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def checkpoint_activations(network: nn.Module) -> None:
    """Compute the activations within blocks once more in the backward pass.

    They need not be kept for it. Blocks of the toolbox's backbones know how, by the
    argument ``with_cp`` of their backbones; all blocks that do are told so.

    Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.

    Args:
        network: Changed in place.

    Raises:
        ValueError: If no block knows how.
    """
    blocks = [module for module in network.modules() if hasattr(module, 'with_cp')]
    if not blocks:
        parts = ', '.join(
            f'{n} {type(m).__name__}' for n, m in network.named_children()
        )
        raise ValueError(
            f'`activation_checkpointing` must have a network with blocks that know '
            f'`with_cp`, got {parts}: name submodules that shall do so, such as '
            f"activation_checkpointing=['backbone.stage1'], or leave it out"
        )
    for block in blocks:
        block.with_cp = True  # type: ignore[assignment]
