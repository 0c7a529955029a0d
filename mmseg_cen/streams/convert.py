"""Make any module multimodal: private norms, some of which exchange channels."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from torch import nn

from .attention_places import is_of_attention, set_attention_exchanges
from .exchange import ExchangeScope
from .exchanges import exchange_configs
from .lora import add_lora, check_lora
from .norm import ModalityNorm
from .norm_types import private_type, why_not_private
from .places import choose_places
from .private import Sharing, check_sharing, to_private

#: Types of modules that move R regions of an image to the batch axis, (B*M*R, C, ...),
#: before their norms: parts of the image, or the kernels of K-Net.
WITH_REGIONS = {'ISAHead', 'KernelUpdator'}

#: LayerNorms of sequences whose second axis is the batch, (N, B*M, C), by type of the
#: module and name in it.
SEQUENCE_FIRST = {'KernelUpdateHead': ('attention_norm',)}


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
    exchange: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    lora: dict[str, Any] | None = None,
) -> nn.Module:
    """Make norm layers private to each modality, and let some exchange channels.

    Everything else stays shared, unless asked otherwise. With equal inputs, or without
    exchange, each stream of the result computes what ``module`` computes. Layers that
    are private already stay as they are; with one modality, all layers do.

    Channels are exchanged after k x k convolutions (App. B), depthwise and grouped ones
    included, and before the activation: by the next registered norm that has the
    channels of the convolution. Convolutions of the stem are left out, see
    :func:`~mmseg_cen.streams.places.stem_length`.

    Args:
        module: A module over (B, C, H, W) images or features; changed in place.
        num_modalities: Number of modalities M.
        exchange_threshold: Threshold theta on the scaling factors below which a channel
            is exchanged. 0: the layers are chosen, but exchange nothing. ``None``: no
            layer is chosen, as in necks and heads, unless ``exchange`` is given.
        exchange_scope: ``'own'`` (paper) or ``'all'`` (released code), see
            :func:`~mmseg_cen.streams.exchange.exchanged_channels`.
        kernel_sizes: Sizes k of the convolutions after which channels are exchanged.
        pattern: Regular expression, to be found in the name of a norm layer that
            exchanges: ``r'layer[234].0.'`` are the down-sampling blocks of a ResNet.
        stages: Names of the submodules that exchange, such as ``('layer3', 'layer4')``.
        layer_norms: Whether all LayerNorms exchange too, by their scaling factors.
            CEN's networks have none; TokenFusion (CVPR 2022, Eq. 10 and Table 9 of the
            appendix) exchanges so beside tokens, for 0.5 points of mIoU on NYUDv2; a
            list in ``exchange`` then has an exchange of channels, too.
        convs: ``'private'``: all layers but the norms have a copy for each modality,
            too, see :func:`~mmseg_cen.streams.private.to_private` ("unshared" in Tables
            1 and 7).
        norms: ``'shared'``: each norm layer sees the streams of all modalities as one
            batch, and nothing can be exchanged.
        exchange: Config of the :class:`~mmseg_cen.streams.exchanges.Exchange` of each
            chosen layer; by default, ``ChannelExchange``. A threshold and scope in it
            take precedence over the arguments above. Of an
            :class:`~mmseg_cen.streams.attention.AttentionExchange`, the blocks of a
            transformer exchange; ``pattern`` and ``stages`` then are of the norms in
            front of their attentions. A list: each of these exchanges, tokens first.
        lora: ``rank`` and ``scale`` of :func:`~mmseg_cen.streams.lora.add_lora`: linear
            layers stay as they are, but for a low-rank part of each modality, and only
            these parts, norms and exchanges are trained.

    Returns:
        ``module``, now over folded features (B*M, C, H, W), or the private layer that
        replaces it, if ``module`` is a norm layer.

    Raises:
        ValueError: If layers cannot be made private (the message names them all, and
            why), or an argument is out of its range or chooses no layer.
    """
    if not isinstance(num_modalities, Integral) or num_modalities < 1:
        raise ValueError(
            f'`num_modalities` must be an integer of at least 1, got '
            f'{num_modalities!r}: count the modalities of the data'
        )
    configs = exchange_configs(exchange, exchange_threshold, exchange_scope)
    check_sharing(convs=convs, norms=norms)
    if norms == 'shared' and exchange is not None:
        raise ValueError(
            f"`norms` must be 'private' for an exchange, got norms='shared' with "
            f'exchange={exchange}: leave the exchange out'
        )
    if norms == 'shared' and exchange_threshold:
        raise ValueError(
            f"`norms` must be 'private' for an exchange, got norms='shared' with "
            f'exchange_threshold={exchange_threshold}: set the threshold to 0'
        )
    for name, layer in module.named_modules():
        if isinstance(layer, ModalityNorm) and layer.num_modalities != num_modalities:
            raise ValueError(
                f'{name or "the module"} must be private to each of {num_modalities} '
                f'modalities, got one of {layer.num_modalities}: leave num_modalities '
                f'to the backbone, and norm_cfg unimodal'
            )
    if lora is not None:
        check_lora(lora, num_modalities, convs, norms)
    if num_modalities == 1:
        return module
    configs = configs if norms == 'private' else []
    of_tokens = [c for c in configs if is_of_attention(c)]
    of_channels = [c for c in configs if c not in of_tokens]
    if layer_norms and of_tokens and not of_channels:
        raise ValueError(
            f'`exchange` must have an exchange of channels for layer_norms=True, got '
            f"{exchange}: make it a list and add dict(type='ChannelExchange'), or "
            f'leave layer_norms out'
        )
    if norms == 'private':
        module = _make_norms_private(module, num_modalities)
    places = (kernel_sizes, pattern, stages, layer_norms)
    for config in of_channels:
        for place, norm in enumerate(choose_places(module, *places)):
            norm.set_exchange(config, place)
    if lora is not None:
        add_lora(module, num_modalities, **lora)
    if convs == 'private':
        module = to_private(module, num_modalities)
    for config in of_tokens:
        set_attention_exchanges(module, config, pattern, stages)
    return module


def _make_norms_private(module: nn.Module, num_modalities: int) -> nn.Module:
    replacements = {layer: private_type(layer) for layer in module.modules()}
    refused = [
        f'{name or "the module"} ({type(layer).__name__}): {reason}'
        for name, layer in module.named_modules()
        if (reason := why_not_private(layer, replacements[layer]))
    ]
    if refused:
        raise ValueError(
            f'all norms must become private to each modality, got {len(refused)} '
            f'layers that cannot be private, {"; ".join(refused)}: choose another '
            f'norm_cfg or model'
        )
    done = {m.norm for m in module.modules() if isinstance(m, ModalityNorm)}
    private = {
        layer: private_norm.from_unimodal(layer, num_modalities)
        for layer, private_norm in replacements.items()
        if private_norm and layer not in done
    }
    for parent in module.modules():
        types = {base.__name__ for base in type(parent).__mro__}
        for layer in parent.modules() if types & WITH_REGIONS else ():
            if layer in private:
                private[layer].has_regions = True
        for name in (n for each in types for n in SEQUENCE_FIRST.get(each, ())):
            if (norm := private.get(getattr(parent, name))) is not None:
                norm.sequence_first = True  # type: ignore[assignment]
    for parent in list(module.modules()):
        for name, child in parent._modules.items():
            if child in private:
                setattr(parent, name, private[child])
    return private.get(module, module)
