"""Layers of a frozen network: a convolution and a norm that are computed as one."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_cen.streams.context import StreamAware
from mmseg_cen.streams.norm import ModalityNorm

from .carrier import Parts, Streams, as_folded, split
from .plan import Run, affine_of, needed_channels, runs_of, sources_of


class Convolved(Streams):
    """The streams that a convolution returns, unless a norm folds itself into it.

    Args:
        conv: The convolution.
        x: What it sees.
    """

    def __init__(self, conv: 'FrozenConv', x: Any) -> None:
        self._parts = self._folded = None
        self.conv = conv
        self.x = x

    def _compute(self) -> Parts:
        return split(self.conv.conv(as_folded(self.x)), self.conv.num_modalities)

    @property
    def pending(self) -> bool:
        """Whether nobody has looked at the result yet."""
        return self._parts is None


class FrozenConv(nn.Module):
    """A convolution that waits for the norm behind it.

    Args:
        conv: A 2-D convolution over folded features, which all streams share.
        num_modalities: Number of modalities M.
    """

    def __init__(self, conv: nn.Conv2d, num_modalities: int) -> None:
        super().__init__()
        self.conv = conv
        self.num_modalities = num_modalities
        self.norm_name: str | None = None
        self.identical = False
        self.groups: list[tuple[int, int]] = []
        self.outputs: list[int] = []
        self.runs: list[list[Run]] = []

    def forward(self, x: Any) -> Convolved:
        return Convolved(self, x)

    @torch.no_grad()
    def fold_norm(self, name: str, layer: ModalityNorm, identical: bool) -> None:
        """Fold the norm behind the convolution, and its exchange, into the weights.

        Args:
            name: Name of the norm.
            layer: The norm.
            identical: Whether the streams that the convolution sees are identical.
        """
        sources, affine = sources_of(layer), affine_of(layer)
        if sources is None or affine is None:
            return
        scale, shift = affine
        if self.conv.bias is not None:
            shift = shift + scale * self.conv.bias.double()
        if identical:
            self._fold_into_one(sources, scale, shift)
        else:
            self._fold_into_each(sources, scale, shift)
        self.norm_name, self.identical = name, identical

    def _fold_into_one(
        self, sources: Any, scale: Tensor, shift: Tensor
    ) -> None:
        """One convolution for all streams, and the affine maps that differ."""
        distinct = list(dict.fromkeys(sources))
        maps = []
        for of_stream in distinct:
            weights = scale.new_zeros(scale.shape)
            for channel, streams in enumerate(of_stream):
                for s in streams:
                    weights[s, channel] = 1 / len(streams)
            maps.append(((weights * scale).sum(0), (weights * shift).sum(0)))
        different = [maps[0]]
        self.outputs = [0] * len(sources)
        for i, (a, b) in enumerate(maps):
            at = next(
                (
                    j
                    for j, (c, d) in enumerate(different)
                    if torch.equal(a, c) and torch.equal(b, d)
                ),
                len(different),
            )
            if at == len(different):
                different.append((a, b))
            for m, of_stream in enumerate(sources):
                if of_stream == distinct[i]:
                    self.outputs[m] = at
        if len(different) == 1:
            self._keep('0', *different[0], slice(None))
            return
        for i, (a, b) in enumerate(different):
            self._register(f'scale{i}', a.view(1, -1, 1, 1))
            self._register(f'shift{i}', b.view(1, -1, 1, 1))

    def _fold_into_each(self, sources: Any, scale: Tensor, shift: Tensor) -> None:
        """A convolution for each stream, of the channels that are looked at."""
        rows = needed_channels(sources)
        size = self.conv.out_channels // self.conv.groups
        for m, channels in enumerate(rows):
            if self.conv.groups > 1 and channels:  # whole groups, without gaps
                first, last = channels[0] // size, channels[-1] // size + 1
                self.groups.append((first, last - first))
                channels[:] = range(first * size, last * size)
            if channels:
                self._keep(str(m), scale[m], shift[m], channels)
        distinct = list(dict.fromkeys(sources))
        self.outputs = [distinct.index(of_stream) for of_stream in sources]
        self.runs = [runs_of(of_stream, rows) for of_stream in distinct]

    def _keep(self, name: str, scale: Tensor, shift: Tensor, rows: Any) -> None:
        weight = self.conv.weight.double() * scale.view(-1, 1, 1, 1)
        self._register(f'weight{name}', weight[rows])
        self._register(f'bias{name}', shift[rows])

    def _register(self, name: str, value: Tensor) -> None:
        value = value.to(self.conv.weight).contiguous()
        self.register_buffer(name, value, persistent=False)

    def run(self, x: Streams) -> Streams:
        """The convolution, the norm and the exchange of streams."""
        if self.identical:
            results = self._run_once(x.parts[0])
        else:
            results = self._run_each(x.parts)
        return Streams([results[i] for i in self.outputs])

    def _run_once(self, x: Tensor) -> Parts:
        buffers = self._buffers
        if (weight := buffers.get('weight0')) is not None:
            return [self.conv._conv_forward(x, weight, buffers['bias0'])]
        out = self.conv._conv_forward(x, self.conv.weight, None)
        return [
            torch.addcmul(buffers[f'shift{i}'], out, buffers[f'scale{i}'])
            for i in range(max(self.outputs) + 1)
        ]

    def _run_each(self, parts: Sequence[Tensor]) -> Parts:
        computed = [self._run_stream(m, part) for m, part in enumerate(parts)]
        return [self._put_together(runs, computed) for runs in self.runs]

    def _run_stream(self, m: int, x: Tensor) -> Tensor | None:
        conv, weight = self.conv, self._buffers.get(f'weight{m}')
        if weight is None:  # nobody looks at this stream
            return None
        bias = self._buffers[f'bias{m}']
        if conv.groups == 1:
            return conv._conv_forward(x, weight, bias)
        first, count = self.groups[m]
        size = conv.in_channels // conv.groups
        x = x.narrow(1, first * size, count * size)
        return F.conv2d(
            x, weight, bias, conv.stride, conv.padding, conv.dilation, count
        )

    def _put_together(self, runs: list[Run], computed: list[Any]) -> Tensor:
        pieces = []
        for streams, starts, length in runs:
            slices = [
                computed[s].narrow(1, start, length)
                if length < computed[s].shape[1]
                else computed[s]
                for s, start in zip(streams, starts, strict=True)
            ]
            if not slices:
                like = next(each for each in computed if each is not None)
                pieces.append(like.new_zeros(len(like), length, *like.shape[2:]))
            elif len(slices) == 1:
                pieces.append(slices[0])
            else:
                pieces.append(sum(slices[1:], slices[0]) / len(slices))
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=1)


class FrozenNorm(StreamAware):
    """A private norm with its exchange, which folds itself into a convolution.

    Where streams are absent, and behind anything but its convolution, it is the norm.

    Args:
        name: Name of the norm in the network.
        norm: The norm.
    """

    def __init__(self, name: str, norm: ModalityNorm) -> None:
        super().__init__()
        self.name = name
        self.norm_layer = norm
        self.preparing = False

    def forward(self, x: Any) -> Any:
        if isinstance(x, Convolved) and x.pending and self.present is None:
            conv, M = x.conv, x.conv.num_modalities
            streams = x.x if isinstance(x.x, Streams) else Streams(split(x.x, M))
            if self.preparing and conv.norm_name is None:
                conv.fold_norm(self.name, self.norm_layer, streams.identical)
            if conv.norm_name == self.name and conv.identical == streams.identical:
                return conv.run(streams)
        return self.norm_layer(as_folded(x))

    def train(self, mode: bool = True) -> 'FrozenNorm':
        if mode:
            raise ValueError(
                'a network with frozen exchange must stay in eval mode, got train(): '
                'train the model it was made of, and freeze that again'
            )
        return super().train(mode)
