"""Freeze the exchange of a trained network for inference."""

import copy
from typing import Any

import torch
from torch import nn

from mmseg_cen.streams.norm import ModalityNorm

from .carrier import as_folded
from .layers import FoldedNorm
from .network import blank_input, network_of
from .pairing import Pairing


def freeze_exchange(
    model: nn.Module, size: tuple[int, int] | None = None
) -> nn.Module:
    r"""A copy of a trained network that does not compute what the exchange replaces.

    For inference, the masks of the exchange (Eq. 6) are constants. Each convolution
    with an exchanging norm behind it computes, for each stream, only the channels that
    the stream keeps or another one takes; the norm is folded into its weights. Where
    all streams are equal by construction, as two are behind a layer in which both gave
    away their own parts, they are computed once, until something makes them differ.

    The copy predicts what ``model`` does, up to rounding. It can be traced, exported,
    compiled, copied, pickled and moved, but neither be trained, nor load or give weights
    for another network: its weights are those of ``model`` when it was frozen. Samples
    that lack modalities take the convolutions and norms of ``model``.

    A norm is frozen if it has running statistics (batch norms, most instance norms) and
    sees the very output of a plain convolution, which a probe shows, and if its exchange
    is a choice of channels (``ChannelExchange``, ``ChannelDrop``,
    ``FixedPortionExchange``, ``RandomExchange``) or none. All other layers stay as they
    are, and so do neck and heads.

    Args:
        model: A segmentor or a translation in eval mode, or its backbone or generator.
            It stays as it is.
        size: Height and width of the probe, in pixels; by default 64, or the smallest
            size that a generator takes. The copy takes all sizes that ``model`` does.

    Returns:
        The copy, of the type of ``model``.

    Raises:
        ValueError: If the model is not multimodal, or in training mode.
    """
    frozen = copy.deepcopy(model)
    network = network_of(frozen)
    if any(m.norm.training for m in network.modules() if isinstance(m, ModalityNorm)):
        raise ValueError(
            '`model` must be in eval mode for its exchange to be frozen, got one in '
            'training mode: call eval() first'
        )
    if size is None:
        side = 2 ** getattr(network, 'num_downs', 6)
        size = (side, side)
    pairing = Pairing()
    with torch.no_grad(), pairing.watch(network):
        network(blank_input(network, size))
    convs = {layer.conv: layer for layer in pairing.pairs()}
    norms = {layer.norm_layer for layer in convs.values()}
    for parent in list(network.modules()):
        for name, child in parent._modules.items():
            if child in convs:
                parent._modules[name] = convs[child].eval()
            elif child in norms:
                parent._modules[name] = FoldedNorm().eval()
    network.register_forward_hook(_as_folded_outputs)
    return frozen


def _as_folded_outputs(network: nn.Module, args: Any, outputs: Any) -> Any:
    return as_folded(outputs)
