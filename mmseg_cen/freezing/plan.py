"""What a frozen exchange computes: sources of channels, and how outputs are put together."""

from itertools import groupby

import torch
from torch import Tensor

from mmseg_cen.streams.ablations import (
    ChannelDrop,
    FixedPortionExchange,
    RandomExchange,
)
from mmseg_cen.streams.exchange import exchanged_channels
from mmseg_cen.streams.exchanges import ChannelExchange
from mmseg_cen.streams.norm import ModalityBN, ModalityIN, ModalityNorm

#: For each channel of a stream, the streams whose mean it is: itself, all others, or
#: none, if it is zero.
Sources = tuple[tuple[int, ...], ...]

#: A run of channels of one output: their sources, and where they are in the outputs of
#: the convolutions of these streams.
Run = tuple[tuple[int, ...], tuple[int, ...], int]


def affine_of(layer: ModalityNorm) -> tuple[Tensor, Tensor] | None:
    """Scale and offset (M, C) of a norm in eval mode, in double precision.

    ``None``: the norm depends on the statistics of its input.
    """
    norm = layer.norm
    if type(layer) not in (ModalityBN, ModalityIN) or layer.has_regions:
        return None
    if norm.training or getattr(norm, 'running_mean', None) is None:
        return None
    M, C = layer.num_modalities, layer.num_features
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double() * scale
    if norm.bias is not None:
        shift = shift + norm.bias.double()
    return scale.view(M, C), shift.view(M, C)


def sources_of(layer: ModalityNorm) -> list[Sources] | None:
    """For each stream, the sources of its channels behind the exchange of a norm.

    ``None``: the exchange is of a type that mixes streams by more than a mask.
    """
    M, C = layer.num_modalities, layer.num_features
    exchange = layer.exchange
    kind = type(exchange)
    if exchange is None:
        mask = torch.zeros(M, C, dtype=torch.bool)
    elif kind in (ChannelExchange, ChannelDrop):
        mask = exchanged_channels(layer.gamma, exchange.threshold, exchange.scope)
    elif kind in (FixedPortionExchange, RandomExchange):
        mask = exchange.chosen(layer.gamma)
    else:
        return None
    others = [tuple(s for s in range(M) if s != m) for m in range(M)]
    if kind is ChannelDrop:
        others = [()] * M
    return [
        tuple(others[m] if replaced else (m,) for replaced in mask[m].tolist())
        for m in range(M)
    ]


def needed_channels(sources: list[Sources]) -> list[list[int]]:
    """For each stream, the channels that it or another stream is made of."""
    needed: list[set[int]] = [set() for _ in sources]
    for of_stream in sources:
        for channel, streams in enumerate(of_stream):
            for s in streams:
                needed[s].add(channel)
    return [sorted(channels) for channels in needed]


def runs_of(of_stream: Sources, rows: list[list[int]]) -> list[Run]:
    """The runs of channels with the same sources that make up a stream.

    Args:
        of_stream: Sources of the channels of the stream.
        rows: For each stream, the channels that are computed, in order. Channels
            between two needed ones of a run are needed, too: a run is a slice.
    """
    runs: list[Run] = []
    channel = 0
    for streams, same in groupby(of_stream):
        length = len(list(same))
        starts = tuple(rows[s].index(channel) for s in streams)
        runs.append((streams, starts, length))
        channel += length
    return runs
