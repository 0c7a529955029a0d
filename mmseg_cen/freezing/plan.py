"""What a frozen exchange computes, channel by channel."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmseg_cen.streams.ablations import (
    ChannelDrop,
    FixedPortionExchange,
    RandomExchange,
)
from mmseg_cen.streams.exchanges import ChannelExchange
from mmseg_cen.streams.norm import ModalityBN, ModalityIN, ModalityNorm

#: For each channel of a stream, the streams whose mean it is: itself, all others, or
#: none, if it is zero.
Sources = list[tuple[int, ...]]


def affine_of(layer: ModalityNorm) -> tuple[Tensor, Tensor] | None:
    """Scale and offset (M, C) of a norm in eval mode, in double precision.

    ``None``: the norm depends on the statistics of its input.
    """
    norm = layer.norm
    if type(layer) not in (ModalityBN, ModalityIN) or layer.has_regions:
        return None
    if norm.training or getattr(norm, 'running_mean', None) is None:
        return None
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double() * scale
    if norm.bias is not None:
        shift = shift + norm.bias.double()
    M, C = layer.num_modalities, layer.num_features
    return scale.view(M, C), shift.view(M, C)


def sources_of(layer: ModalityNorm) -> list[Sources] | None:
    """For each stream, the sources of its channels behind the exchange of a norm.

    ``None``: the exchange is of a type that is no choice of channels.
    """
    M, C = layer.num_modalities, layer.num_features
    exchange: Any = layer.exchange
    if exchange is None:
        mask = torch.zeros(M, C, dtype=torch.bool)
    elif type(exchange) in (ChannelExchange, ChannelDrop):
        mask = exchange.replaced(layer.gamma)
    elif type(exchange) in (FixedPortionExchange, RandomExchange):
        mask = exchange.chosen(layer.gamma)
    else:
        return None
    drops = type(exchange) is ChannelDrop
    others = [() if drops else tuple({*range(M)} - {m}) for m in range(M)]
    return [
        [others[m] if replaced else (m,) for replaced in of_stream]
        for m, of_stream in enumerate(mask.tolist())
    ]


def needed_channels(sources: list[Sources]) -> list[list[int]]:
    """For each stream, the channels that it keeps or another stream takes."""
    needed: list[set[int]] = [set() for _ in sources]
    for of_stream in sources:
        for channel, streams in enumerate(of_stream):
            for s in streams:
                needed[s].add(channel)
    return [sorted(channels) for channels in needed]


def fill_up(rows: list[list[int]], num_channels: int, multiple: int) -> list[list[int]]:
    """As many channels for each stream, a multiple if there are enough of them.

    Args:
        rows: Channels that are needed of each stream.
        num_channels: Channels C of one stream.
        multiple: What the number shall be a multiple of.
    """
    most = max(map(len, rows))
    size = min(-(-most // multiple) * multiple, num_channels)
    filled = []
    for channels in rows:
        others = [c for c in range(num_channels) if c not in {*channels}]
        filled.append(sorted(channels + others[: size - len(channels)]))
    return filled


@dataclass
class Gathering:
    """How the channels of the streams are made of those that were computed.

    Attributes:
        channels: For each channel of the output, the number of a computed one, or of
            one of ``means``, which follow them, or of a zero, which follows these.
        means: Computed channels that are averaged, a list for each source.
        zero: Whether there are zeros.
        shared: Whether the output is of one stream, as all are equal.
        order: The order of channels of a shared output that is the computed one;
            ``None``: they have to be gathered.
    """

    channels: list[int]
    means: list[list[int]]
    zero: bool
    shared: bool
    order: tuple[int, ...] | None

    @property
    def trivial(self) -> bool:
        """Whether the output is what was computed."""
        plain = not self.means and not self.zero
        return plain and self.channels == [*range(len(self.channels))]


def gather(sources: list[Sources], rows: list[list[int]]) -> Gathering:
    """How the streams are made of computed channels.

    Args:
        sources: See :func:`sources_of`.
        rows: Channels that are computed for each stream, which stand side by side.
    """
    place: dict[tuple[int, int], int] = {}
    for s, channels in enumerate(rows):
        for channel in channels:
            place[s, channel] = len(place)
    num_computed = len(place)
    shared = all(of_stream == sources[0] for of_stream in sources)
    wanted = [
        tuple(place[s, channel] for s in streams)
        for of_stream in (sources[:1] if shared else sources)
        for channel, streams in enumerate(of_stream)
    ]
    averaged = [places for places in wanted if len(places) > 1]
    numbers = {places: num_computed + i for i, places in enumerate(averaged)}
    numbers[()] = num_computed + len(averaged)
    channels = [p[0] if len(p) == 1 else numbers[p] for p in wanted]
    zero = () in wanted
    order = None
    if shared and not averaged and sorted(channels) == [*range(num_computed)]:
        order = tuple(channels.index(i) for i in range(num_computed))
    means = [list(column) for column in zip(*averaged, strict=True)]
    return Gathering(channels, means, zero, shared, order)
