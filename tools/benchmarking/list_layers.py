"""Layers over lists of streams: shared ones, private norms, the exchange by masks."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Streams = list[Tensor]  # M tensors (B, C, H, W)


def each(layer: Callable[[Tensor], Tensor], streams: Streams) -> Streams:
    """A shared layer, applied to one stream after the other."""
    return [layer(x) for x in streams]


class PrivateNorms(nn.ModuleList):
    """A :class:`torch.nn.BatchNorm2d` for each of M streams."""

    def __init__(self, channels: int, num_streams: int) -> None:
        super().__init__(nn.BatchNorm2d(channels) for _ in range(num_streams))

    def forward(self, streams: Streams) -> Streams:
        return [norm(x) for norm, x in zip(self, streams, strict=True)]


class NormsWithExchange(PrivateNorms):
    """Private norms, after which small channels are those of the other streams.

    Args:
        channels: Channels C of a stream.
        num_streams: Number of streams M.
        threshold: Channels with a smaller scaling factor are replaced (Eq. 6).
        scope: ``'own'``: among the m-th of M slices of the channels; ``'all'``: among
            all of them.
    """

    def __init__(
        self, channels: int, num_streams: int, threshold: float, scope: str
    ) -> None:
        super().__init__(channels, num_streams)
        self.threshold = threshold
        self.scope = scope

    def forward(self, streams: Streams) -> Streams:
        streams = super().forward(streams)
        if len(streams) == 1 or not self.threshold:
            return streams
        exchanged = []
        for m, x in enumerate(streams):
            small = self.replaced(m)
            others = [y for n, y in enumerate(streams) if n != m]
            out = torch.zeros_like(x)
            out[:, ~small] = x[:, ~small]
            mean = sum(y[:, small] for y in others)
            out[:, small] = mean / len(others) if len(others) > 1 else mean
            exchanged.append(out)
        return exchanged

    def replaced(self, m: int) -> Tensor:
        """Which channels of stream ``m`` are replaced, bool (C,)."""
        small = self[m].weight.abs() < self.threshold
        if self.scope == 'own':
            slices = torch.arange(len(small), device=small.device).tensor_split(
                len(self)
            )
            part = torch.zeros_like(small)
            part[slices[m]] = True
            small = small & part
        return small
