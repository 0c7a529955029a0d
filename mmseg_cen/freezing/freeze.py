"""Freeze the exchange of a trained network for inference."""

import copy
from typing import Any

import torch
from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import nn

from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.presence import present_modalities

from .carrier import as_folded
from .layers import FoldedNorm
from .network import blank_input, network_of
from .pairing import Pairing
from .pooling import FrozenMaxPool, is_plain_pool
from .savings import compare_macs


def freeze_exchange(model: nn.Module, size: tuple[int, int] | None = None) -> nn.Module:
    r"""A copy of a trained network that does not compute what the exchange replaces.

    For inference, the masks of the exchange (Eq. 6) are constants. Each convolution
    with an exchanging norm behind it computes, for each stream, only the channels that
    the stream keeps or another one takes; the norm is folded into its weights. Where
    all streams are equal by construction, as two are behind a layer in which both gave
    away all of their own parts, they are computed once, until they differ again.

    The copy predicts what ``model`` does, up to rounding. It can be traced, exported,
    compiled, copied, pickled and moved. It can neither be trained nor load weights: it
    has those that ``model`` had when it was frozen. Samples that lack modalities take
    the convolutions and norms of ``model``.

    A norm is frozen if it has running statistics (batch norms, most instance norms),
    if a probe shows that it alone sees what a plain convolution returns, and if its
    exchange chooses channels (``ChannelExchange``, ``ChannelDrop``,
    ``FixedPortionExchange``, ``RandomExchange``) or there is none. All other layers
    stay as they are, and so do neck and heads.

    What was saved is logged, see :func:`~mmseg_cen.freezing.savings.compare_macs`.

    Args:
        model: A segmentor or a translation in eval mode, or its backbone or generator.
            It stays as it is.
        size: Height and width of the probe, in pixels; by default 64, or the smallest
            size that a generator takes. The copy takes all sizes that ``model`` does.

    Returns:
        The copy, of the type of ``model``.

    Raises:
        ValueError: If the model is not multimodal, in training mode, one that never has
            all streams, or a translation of another protocol than ``'eval'``.
    """
    frozen = copy.deepcopy(model)
    network, original = network_of(frozen), network_of(model)
    layers = [m.norm for m in network.modules() if isinstance(m, ModalityNorm)]
    # Norms of a training may be in eval mode (`norm_eval`), and dropout is not.
    if network.training or any(layer.training for layer in layers):
        raise ValueError(
            '`model` must be in eval mode for its exchange to be frozen, got one in '
            'training mode: call eval() first'
        )
    if getattr(network, 'leaves_out_streams', False):
        raise ValueError(
            f'`model` must see all streams at once for its exchange to be frozen, got '
            f'a {type(network).__name__}, which leaves each out in turn: do not freeze '
            f'it'
        )
    if (protocol := getattr(model, 'test_protocol', 'eval')) != 'eval':
        raise ValueError(
            f"`model.test_protocol` must be 'eval' for its exchange to be frozen, got "
            f'{protocol!r}, which normalizes as in training: set it to eval, or do not '
            f'freeze it'
        )
    if size is None:
        side = 2 ** getattr(network, 'num_downs', 6)
        size = (side, side)
    pairing = Pairing()
    with torch.no_grad(), present_modalities(None), pairing.watch(network):
        pairing.see(network(blank_input(network, size)))
    convs = {layer.conv: layer for layer in pairing.pairs()}
    norms = {layer.norm_layer for layer in convs.values()}
    for parent in list(network.modules()):
        for name, child in parent._modules.items():
            if child in convs:
                parent._modules[name] = convs[child].eval()
            elif child in norms:
                parent._modules[name] = FoldedNorm().eval()
            elif is_plain_pool(child) and not isinstance(parent, FrozenMaxPool):
                parent._modules[name] = FrozenMaxPool(child).eval()
    network.register_forward_hook(_as_folded_outputs)
    compare_macs(original, network, size)
    return frozen


def freeze_within(model: Any) -> Any:
    """Freeze the exchange of a model within wrappers, which go on around the copy."""
    if is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model.module = freeze_within(model.module)
        return model
    return freeze_exchange(model.eval())


def _as_folded_outputs(network: nn.Module, args: Any, outputs: Any) -> Any:
    return as_folded(outputs)
