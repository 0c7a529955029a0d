"""Make any built module multimodal: private norms, and where they exchange channels."""

import logging
import re
from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.logging import print_log
from mmengine.model.utils import _BatchNormXd
from mmengine.utils.dl_utils.parrots_wrapper import SyncBatchNorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .checked_build import build_checked
from .exchange import ExchangeScope
from .exchange_variants import ChannelExchange, Exchange
from .norm import (
    NORM_BASES,
    ModalityBN,
    ModalityGN,
    ModalityIN,
    ModalityLN,
    ModalityLN2d,
    ModalityNorm,
)
from .private import (
    PrivateLayer,
    Sharing,
    check_sharing,
    is_convolution,
    to_private,
)

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

#: Modules that move R regions of an image to the batch axis, (B*M*R, C, ...), before
#: their norms.
WITH_REGIONS = ('ISAHead', 'KernelUpdator')

#: What a block of the network is not: layers, and these containers of layers.
CONTAINERS = (nn.Sequential, nn.ModuleList, ConvModule, DepthwiseSeparableConvModule)


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
    ChannelExchange(exchange_threshold or 0, exchange_scope)  # checks them
    if exchange is not None:
        build_checked(exchange, Exchange)  # checks it, if no norm does
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
        if exchange_threshold is not None or exchange is not None:
            places = _choose_places(module, kernel_sizes, pattern, stages, layer_norms)
            for place, norm in enumerate(places):
                norm.set_exchange(exchange, exchange_threshold, exchange_scope, place)
    return to_private(module, num_modalities) if convs == 'private' else module


def _choose_places(
    module: nn.Module,
    kernel_sizes: Sequence[int],
    pattern: str | None,
    stages: Sequence[str] | None,
    layer_norms: bool,
) -> list[ModalityNorm]:
    """The norms that exchange channels, as :func:`to_multimodal` has it."""
    places = norms_after_convolutions(module, kernel_sizes)
    if layer_norms:
        places |= {
            name: norm
            for name, norm in module.named_modules()
            if isinstance(norm, ModalityLN)
        }
    if not places:
        print_log(
            f'no layer of a {type(module).__name__} exchanges channels: no norm with a '
            f'scaling factor per channel follows a convolution of the chosen size; '
            f'CENBackbone takes kernel_sizes, and layer_norms=True for networks with '
            f'LayerNorm',
            'current',
            logging.WARNING,
        )
    return [places[name] for name in choose(list(places), pattern, stages)]


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
    for parent in [m for m in module.modules() if type(m).__name__ in WITH_REGIONS]:
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


def exchanging_norms(module: nn.Module) -> dict[str, ModalityNorm]:
    """The norm layers of ``module`` after which channels may be exchanged, by name."""
    return {
        name: norm
        for name, norm in module.named_modules()
        if isinstance(norm, ModalityNorm) and norm.exchange is not None
    }


def norms_after_convolutions(
    module: nn.Module, kernel_sizes: Sequence[int]
) -> dict[str, ModalityNorm]:
    """The private norms that follow a k x k convolution beyond the stem, by name."""
    found = {}
    stem = stem_length(module)
    convolutions: list[Any] = []  # since the last norm
    count = 0
    leading = {  # norms of a ConvModule in the order norm - activation - convolution
        m.norm
        for m in module.modules()
        if isinstance(m, ConvModule)
        and m.with_norm
        and m.order.index('norm') < m.order.index('conv')
    }
    for name, layer in module.named_modules():
        if is_convolution(layer):
            count += 1
            if count > stem:
                convolutions.append(layer)
        elif isinstance(layer, ModalityNorm):
            of_norm = [c for c in convolutions if c.out_channels == layer.num_features]
            convolutions = []
            if (
                of_norm
                and layer not in leading
                and getattr(layer.norm, 'weight', None) is not None
                and not isinstance(layer, ModalityLN)
                and any(set(of_norm[-1].kernel_size) == {k} for k in kernel_sizes)
            ):
                found[name] = layer
    return found


def stem_length(module: nn.Module) -> int:
    """Number of convolutions in the stem of a network, in the order of registration.

    The stem is the plain sequence of convolutions before the first block, and at most
    until the resolution is a quarter of the input's: the 7 x 7 convolution of a ResNet,
    the three 3 x 3 convolutions that replace it in ResNet V1c, the two of an HRNet or
    of a MSCAN. A block is what is neither a layer nor a plain container of layers.
    """
    length = 0
    stride = 1
    layers: list[Any] = [*module.modules()][1:]  # without itself
    for layer in layers:
        if is_convolution(layer):
            length += 1
            stride *= layer.stride[0]
            if stride >= 4:
                return length
        elif length and next(layer.children(), None) and not _is_container(layer):
            return length
    return length


def _is_container(layer: nn.Module) -> bool:
    return isinstance(layer, (*CONTAINERS, ModalityNorm))


def choose(
    names: Sequence[str], pattern: str | None, stages: Sequence[str] | None
) -> list[str]:
    """Those of ``names`` in which ``pattern`` is found and that lie within ``stages``.

    Raises:
        ValueError: Of names, none is left, or none of one of the stages.
    """
    prefixes = tuple(f'{stage}.' for stage in stages or ())
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            raise ValueError(
                f'stages are names of submodules that hold an exchanging layer, got '
                f'{prefix[:-1]!r}; the layers are {names}'
            )
    chosen = [
        name
        for name in names
        if (pattern is None or re.search(pattern, name))
        and (stages is None or name.startswith(prefixes))
    ]
    if names and not chosen:
        raise ValueError(
            f'no layer is chosen by pattern={pattern!r}, stages={stages!r}; the layers '
            f'are {names}'
        )
    return chosen
