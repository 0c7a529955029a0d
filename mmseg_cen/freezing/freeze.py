"""Freeze the exchange of a trained network for inference."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from mmseg_cen.streams.norm import ModalityNorm

from .carrier import as_folded
from .layers import FoldedNorm, FrozenConv
from .pairing import Pairing


def freeze_exchange(model: nn.Module, size: tuple[int, int] = (64, 64)) -> nn.Module:
    """TODO"""
    root = network_of(copied := copy.deepcopy(model))
    if any(m.norm.training for m in root.modules() if isinstance(m, ModalityNorm)):
        raise ValueError(
            '`model` must be in eval mode for its exchange to be frozen, got one in '
            'training mode: call eval() first'
        )
    pairing = Pairing()
    with torch.no_grad(), pairing.watch(root):
        root(blank_input(root, size))
    convs = {frozen.conv: frozen for frozen in pairing.pairs()}
    norms = {frozen.norm_layer for frozen in convs.values()}
    for parent in [*root.modules()]:
        for name, child in parent._modules.items():
            if child in convs:
                parent._modules[name] = convs[child].eval()
            elif child in norms:
                parent._modules[name] = FoldedNorm().eval()
    root.register_forward_hook(_as_folded_outputs)
    return copied


def network_of(model: Any) -> Any:
    """The part of a model whose streams exchange channels."""
    return getattr(model, 'backbone', getattr(model, 'generator', model))


def blank_input(network: Any, size: tuple[int, int]) -> Tensor:
    """Packed modalities (1, M*C, H, W) without content."""
    channels = getattr(network, 'packed_channels', None)
    if channels is None:
        channels = network.num_modalities * network.in_channels
    like = next(network.parameters())
    return like.new_zeros(1, channels, *size)


def _as_folded_outputs(module: nn.Module, args: Any, outputs: Any) -> Any:
    return as_folded(outputs)
