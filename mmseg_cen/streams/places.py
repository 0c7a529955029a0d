"""Which norm layers exchange channels: the places of the exchange in a network."""

import logging
import re
from collections.abc import Collection, Sequence
from typing import Any

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.logging import print_log
from torch import nn

from .layer_norm import ModalityLN
from .norm import ModalityNorm
from .private import is_convolution

#: Plain containers of layers, which are no blocks of a network.
CONTAINERS = (nn.Sequential, nn.ModuleList, ConvModule, DepthwiseSeparableConvModule)


def choose_places(
    module: nn.Module,
    kernel_sizes: Sequence[int],
    pattern: str | None,
    stages: Sequence[str] | None,
    layer_norms: bool,
) -> list[ModalityNorm]:
    """The norms that are to exchange channels, in the order of registration.

    See :func:`~mmseg_cen.streams.convert.to_multimodal` for the arguments. A network
    without any such norm gets a warning.

    Raises:
        ValueError: If an argument is wrong, or chooses no norm of those that there are.
    """
    if not isinstance(kernel_sizes, Collection) or not all(
        isinstance(size, int) for size in kernel_sizes
    ):
        raise ValueError(
            f'`kernel_sizes` must be a list of integers, got {kernel_sizes!r}: write '
            f'[3] for the norms behind 3x3 convolutions'
        )
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


def exchanging_norms(module: nn.Module) -> dict[str, ModalityNorm]:
    """The norm layers of ``module`` that exchange by their scaling factors, by name.

    See :attr:`Exchange.by_gamma`.
    """
    return {
        name: norm
        for name, norm in module.named_modules()
        if isinstance(norm, ModalityNorm)
        and norm.exchange is not None
        and norm.exchange.by_gamma
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
    of a MSCAN. A block is any module that is neither a layer nor a plain container.
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
    """The names in which ``pattern`` is found and that lie within ``stages``.

    Raises:
        ValueError: If no name is left, a stage holds none of the names, or ``pattern``
            is no regular expression.
    """
    if isinstance(stages, str):
        raise ValueError(
            f'`stages` must be a list of names, got {stages!r}: write [{stages!r}]'
        )
    try:
        expression = re.compile(pattern or '')
    except (re.error, TypeError) as error:
        raise ValueError(
            f'`pattern` must be a regular expression, got {pattern!r}, with the error '
            f'{str(error)!r}: correct it'
        ) from error
    prefixes = tuple(f'{stage}.' for stage in stages or ())
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            raise ValueError(
                f'`stages` must be names of submodules that hold an exchanging layer, '
                f'got {prefix[:-1]!r}: choose stages that hold some of {names}'
            )
    chosen = [
        name
        for name in names
        if expression.search(name) and (stages is None or name.startswith(prefixes))
    ]
    if names and not chosen:
        raise ValueError(
            f'`pattern` and `stages` must choose an exchanging layer, got '
            f'pattern={pattern!r}, stages={stages!r}: choose some of {names}'
        )
    return chosen
