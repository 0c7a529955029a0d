"""Make any built module multimodal: private norms, and where they exchange channels."""

import re
from collections.abc import Sequence
from typing import Any

from mmengine.model.utils import _BatchNormXd
from mmengine.utils.dl_utils.parrots_wrapper import SyncBatchNorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .exchange import ExchangeScope
from .exchanges import exchange_config
from .norm import (
    NORM_BASES,
    ModalityBN,
    ModalityGN,
    ModalityIN,
    ModalityLN,
    ModalityLN2d,
    ModalityNorm,
)
from .places import choose_places
from .private import PrivateLayer, Sharing, check_sharing, to_private

#: The norm layers that can be made private, and by what. A subclass of one of them may
#: have a forward of its own and is not converted.
PRIVATE_TYPES: dict[type[nn.Module], type[ModalityNorm]] = {
    nn.BatchNorm1d: ModalityBN,
    nn.BatchNorm2d: ModalityBN,
    nn.BatchNorm3d: ModalityBN,
    nn.SyncBatchNorm: ModalityBN,
    SyncBatchNorm: ModalityBN,  # what the toolbox builds for 'SyncBN'
    _BatchNormXd: ModalityBN,  # a reverted SyncBatchNorm
    nn.InstanceNorm1d: ModalityIN,
    nn.InstanceNorm2d: ModalityIN,
    nn.InstanceNorm3d: ModalityIN,
    nn.GroupNorm: ModalityGN,
    nn.LayerNorm: ModalityLN,
}

#: Types of modules that move R regions of an image to the batch axis, (B*M*R, C, ...),
#: before their norms.
WITH_REGIONS = {'ISAHead'}


def to_multimodal(
    module: nn.Module,
    num_modalities: int,
    exchange_threshold: float | None = None,
    exchange_scope: ExchangeScope = 'own',
    kernel_sizes: Sequence[int] = (3,),
    pattern: str | None = None,
    stages: Sequence[str] | None = None,
    layer_norms: bool = False,
    convs: Sharing = 'shared',
    norms: Sharing = 'private',
    exchange: dict[str, Any] | None = None,
) -> nn.Module:
    """Make norm layers private to each modality, and let some exchange channels.

    Everything else stays shared, unless asked otherwise. With equal inputs, or without
    exchange, each stream of the result computes what ``module`` computes. Layers that
    are private already are left as they are, and so is everything if there is but one
    modality.

    Channels are exchanged after k x k convolutions (App. B), depthwise and grouped ones
    included: by the norm that is registered next after the convolution and has its
    channels, before the activation. The :func:`stem_length` first convolutions
    are left out.

    Args:
        module: A module over (B, C, H, W) images or features; changed in place.
        num_modalities: Number of modalities M.
        exchange_threshold: Threshold theta on the scaling factors below which a channel
            is exchanged. 0: the layers are chosen, but exchange nothing. ``None``: no
            layer is chosen, as in necks and heads, unless there is ``exchange``.
        exchange_scope: ``'own'`` (paper) or ``'all'`` (released code), see
            :func:`exchanged_channels`.
        kernel_sizes: Sizes k of the convolutions after which channels are exchanged.
        pattern: Regular expression, to be found in the name of a norm layer that
            exchanges: ``r'layer[234].0.'`` are the down-sampling blocks of a ResNet.
        stages: Names of the submodules that exchange, such as ``('layer3', 'layer4')``.
        layer_norms: Whether all LayerNorms exchange too, by their scaling factors. This
            goes beyond the paper, where no network has them.
        convs: ``'private'``: all layers but the norms have a copy for each modality,
            too, see :func:`to_private` ("unshared" in Tables 1 and 7).
        norms: ``'shared'``: one norm layer sees the streams of all modalities as one
            batch. There is nothing to exchange by then.
        exchange: Config of an :class:`Exchange`, of which each chosen layer builds one;
            by default, :class:`ChannelExchange`. Its own threshold and scope, if it
            tells them, precede the arguments above.

    Returns:
        ``module``, now over folded features (B*M, C, H, W); the private layer, if it is
        a norm layer itself.

    Raises:
        ValueError: A layer cannot be made private (all such layers are named, and why),
            or an argument has no meaning or chooses nothing.
    """
    if num_modalities < 1:
        raise ValueError(f'num_modalities is at least 1, got {num_modalities}')
    config = exchange_config(exchange, exchange_threshold, exchange_scope)
    check_sharing(convs=convs, norms=norms)
    if norms == 'shared' and exchange is not None:
        raise ValueError(
            f"an exchange is one of private norms, got norms='shared' with "
            f'exchange={exchange}; leave that out'
        )
    if norms == 'shared' and exchange_threshold:
        raise ValueError(
            f'channels are exchanged by the scaling factors of private norms, got '
            f"norms='shared' with exchange_threshold={exchange_threshold}; set it to 0"
        )
    for name, layer in module.named_modules():
        if isinstance(layer, ModalityNorm) and layer.num_modalities != num_modalities:
            raise ValueError(
                f'{name or "the module"} is private to each of '
                f'{layer.num_modalities} modalities, but there are {num_modalities}; '
                f'leave num_modalities to the backbone, and norm_cfg unimodal'
            )
    if num_modalities == 1:
        return module
    if norms == 'private':
        module = _make_norms_private(module, num_modalities)
        if config is not None:
            places = choose_places(module, kernel_sizes, pattern, stages, layer_norms)
            for place, norm in enumerate(places):
                norm.set_exchange(config, place)
    return to_private(module, num_modalities) if convs == 'private' else module


def _make_norms_private(module: nn.Module, num_modalities: int) -> nn.Module:
    refused = [
        f'{name or "the module"} ({type(layer).__name__}): {reason}'
        for name, layer in module.named_modules()
        if (reason := _why_not_private(layer))
    ]
    if refused:
        raise ValueError(
            f'{len(refused)} layers cannot be private to each modality, choose another '
            f'norm_cfg or model: {"; ".join(refused)}'
        )
    done = {m.norm for m in module.modules() if isinstance(m, ModalityNorm)}
    private = {
        layer: private_type.from_unimodal(layer, num_modalities)
        for layer in module.modules()
        if (private_type := _private_type(layer)) and layer not in done
    }
    for parent in module.modules():
        if WITH_REGIONS.isdisjoint(base.__name__ for base in type(parent).__mro__):
            continue
        for layer in parent.modules():
            if layer in private:
                private[layer].has_regions = True
    for parent in list(module.modules()):
        for name, child in parent._modules.items():
            if child in private:
                setattr(parent, name, private[child])
    return private.get(module, module)


def _tensors(layer: nn.Module) -> list[Tensor]:
    return [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]


def _private_type(layer: nn.Module) -> type[ModalityNorm] | None:
    """What ``layer`` becomes, or None if it holds nothing that could be private."""
    if not isinstance(layer, _BatchNorm) and not _tensors(layer):
        return None  # statistics are those of one sample, and thus of one stream
    if isinstance(layer, nn.LayerNorm) and type(layer).__name__ == 'LayerNorm2d':
        return ModalityLN2d  # of mmpretrain and timm
    if type(layer) is nn.LayerNorm and len(layer.normalized_shape) > 1:
        return ModalityLN2d  # (C, 1, 1), others are refused
    return PRIVATE_TYPES.get(type(layer))


def _why_not_private(layer: nn.Module) -> str | None:
    """Why ``layer`` is one that cannot be made private, or None."""
    kind = type(layer).__name__
    if isinstance(layer, nn.LayerNorm) and any(
        size > 1 for size in layer.normalized_shape[1:]
    ):
        return f'it normalizes over the axes {layer.normalized_shape}, not the channels'
    if _private_type(layer) or isinstance(layer, ModalityNorm):
        return None
    named_so = re.search(r'Norm|^GRN$|^FRN$', kind)
    tensors = _tensors(layer)
    per_channel = tensors and all(t.squeeze().ndim <= 1 for t in tensors)
    if per_channel and (named_so or isinstance(layer, NORM_BASES)):
        return 'it is a norm layer with a forward of its own'
    return None


def stream_state_dict(module: nn.Module, modality: int) -> dict[str, Tensor]:
    """State dict of the unimodal network that computes one stream without exchange.

    The inverse of :func:`to_multimodal`, for the stream with index ``modality``.
    """
    state: dict[str, Tensor] = dict(module.state_dict())
    for prefix, layer in module.named_modules(remove_duplicate=False):
        if isinstance(layer, ModalityNorm):
            if layer.exchange is not None:  # whose parameters no stream has
                for name in layer.exchange.state_dict():
                    del state[f'{prefix}.exchange.{name}'.lstrip('.')]
            for name in layer.norm.state_dict():
                key = f'{prefix}.norm.{name}'.lstrip('.')
                tensor = state.pop(key)
                if tensor.ndim:
                    tensor = tensor.chunk(layer.num_modalities)[modality]
                state[f'{prefix}.{name}'.lstrip('.')] = tensor
        elif isinstance(layer, PrivateLayer):
            for name in layer[0].state_dict():
                of_streams = [
                    state.pop(f'{prefix}.{m}.{name}'.lstrip('.'))
                    for m in range(len(layer))
                ]
                state[f'{prefix}.{name}'.lstrip('.')] = of_streams[modality]
    return state
