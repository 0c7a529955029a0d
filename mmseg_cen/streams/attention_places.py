"""Which blocks of a transformer exchange, and how an exchange gets there."""

import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from .attention import AttentionExchange, AttentionSeam
from .build import type_of
from .exchanges import Exchange, ExchangeSequence, build_exchange
from .norm import ModalityNorm
from .places import choose

#: Layers of an attention that drop what it returns, and where tokens are whole images
#: in their order: behind the projection, before drop-path and the residual. A seam
#: stands before a layer of the first names, else behind one of the last.
_SEAM_BEFORE = ('dropout_layer', 'drop')  # of mmcv's attentions, of Swin's
_SEAM_BEHIND = ('proj_drop',)


def attention_blocks(module: nn.Module) -> dict[str, tuple[ModalityNorm, nn.Module]]:
    """The norm and the attention of each block that normalizes before its attention.

    Returns:
        By the name of the norm, in the order of registration.
    """
    found: dict[str, tuple[ModalityNorm, nn.Module]] = {}
    for name, block in module.named_modules():
        attention = block._modules.get('attn')
        if isinstance(attention, nn.Module):
            names = [*block._modules]
            before = names[: names.index('attn')]
            norm = block._modules[before[-1]] if before else None
            if isinstance(norm, ModalityNorm):
                found[f'{name}.{before[-1]}'.lstrip('.')] = norm, attention
    return found


def set_attention_exchanges(
    module: nn.Module,
    exchange: dict[str, Any],
    pattern: str | None = None,
    stages: Sequence[str] | None = None,
) -> None:
    """Let the blocks of a transformer exchange.

    Args:
        module: A network with private norms, changed in place.
        exchange: Config of an :class:`AttentionExchange`.
        pattern: Regular expression, to be found in the name of a norm in front of an
            attention.
        stages: Names of the submodules whose blocks exchange.

    Raises:
        ValueError: If no block can exchange so.
    """
    blocks = attention_blocks(module)
    if not blocks:
        raise ValueError(
            f'the backbone must have blocks of a norm and an attention to exchange '
            f'tokens, got {type(module).__name__}, which has none: leave `exchange` '
            f'out, and channels are exchanged'
        )
    firsts: dict[tuple[str, int], AttentionExchange] = {}
    for place, name in enumerate(choose([*blocks], pattern, stages)):
        norm, attention = blocks[name]
        C = norm.num_features
        built: Any = build_exchange(exchange, norm.num_modalities, C, place)
        stage = name.rsplit('.', 2)[0]
        first = firsts.setdefault((stage, C), built)
        if first is not built:
            built.share(first)
        built.class_tokens = class_tokens(module, name)
        if built.where == 'output':
            _insert(attention, AttentionSeam(built, norm), name)
        elif norm.exchange is None:
            norm.exchange = built
        else:
            norm.exchange = ExchangeSequence([built, norm.exchange])


def is_of_attention(exchange: dict[str, Any]) -> bool:
    """Whether a config is of an :class:`AttentionExchange`."""
    return issubclass(type_of(exchange, Exchange), AttentionExchange)


def class_tokens(module: nn.Module, name: str) -> int:
    """Number of class tokens in front of the tokens that a submodule sees.

    Args:
        module: The network.
        name: Name of the submodule; the modules around it tell.
    """
    path = name.split('.')
    for depth in range(len(path)):
        around: Any = module.get_submodule('.'.join(path[:depth]))
        for attribute in ('num_prefix_tokens', 'num_extra_tokens'):  # timm, mmpretrain
            if isinstance(count := getattr(around, attribute, None), int):
                return count
        if isinstance(getattr(around, 'cls_token', None), Tensor):
            return int(getattr(around, 'with_cls_token', True))
    return 0


def attention_exchanges(module: nn.Module) -> dict[str, AttentionExchange]:
    """The exchanges between attentions in ``module``, by name."""
    return {
        name: exchange
        for name, exchange in module.named_modules()
        if isinstance(exchange, AttentionExchange)
    }


def block_of(exchange: str) -> str:
    """Name of the block of an exchange, from the name of the exchange."""
    return re.sub(r'\.(attn\.\w+\.\d+|\w+)\.exchange(\.parts\.\d+)?$', '', exchange)


def _insert(attention: nn.Module, seam: AttentionSeam, name: str) -> None:
    """Put a seam behind the seams that an attention has."""
    for layer in (*_SEAM_BEFORE, *_SEAM_BEHIND):
        drop = attention._modules.get(layer)
        if isinstance(drop, nn.Module):
            layers = [drop]
            if isinstance(drop, nn.Sequential):
                layers = [*drop]
            last = len(layers) - (layer in _SEAM_BEFORE)
            layers.insert(last, seam)
            setattr(attention, layer, nn.Sequential(*layers))
            return
    raise ValueError(
        f'an attention must have a layer {_SEAM_BEFORE + _SEAM_BEHIND} for '
        f"where='output', got {type(attention).__name__} behind {name!r}: set "
        f"where='input' of the exchange"
    )
