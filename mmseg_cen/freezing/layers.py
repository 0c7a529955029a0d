"""A convolution, a private norm and its exchange that are computed as one."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_cen.streams.norm import ModalityNorm

from .carrier import Shared, as_folded
from .layout import folded, packed, take_channels, unfolded
from .plan import affine_of, fill_up, gather, needed_channels, sources_of

#: Channels that a processor computes at once: fewer of them save nothing.
LANES = 8


class FrozenConv(nn.Module):
    """A convolution with the norm behind it, of which the exchange is a constant.

    Of each stream, only the channels that it keeps or that another stream takes are
    computed. If all streams see the same, or are the same afterwards, then the layer
    works on one :class:`Shared` stream. Where modalities are absent, it is the
    convolution and the norm it was made of.

    Args:
        conv: A convolution over folded features, which all streams share.
        norm_layer: The norm behind it.
        x: An example of what the layer sees, folded features or a :class:`Shared`.

    Shape:
        - Input and output: folded features, (B*M, C, H, W), or a :class:`Shared`.

    Raises:
        ValueError: If the norm or its exchange cannot be frozen.
    """

    weight: Tensor  # of what is computed, the norm folded in
    bias: Tensor
    scale: Tensor  # (M, C, 1, 1), of the norm, where it comes behind the convolution
    shift: Tensor
    channels: Tensor  # see `Gathering`

    def __init__(self, conv: nn.Conv2d, norm_layer: ModalityNorm, x: Any) -> None:
        super().__init__()
        self.conv = conv
        self.norm_layer = norm_layer
        self.num_modalities = norm_layer.num_modalities
        #: Whether the convolution is whole, and the norm comes behind it.
        self.whole = False
        #: Whether one convolution in M groups is fast, on contiguous memory.
        self.in_groups = False
        self.takes_shared = is_shared(x)
        #: Order of the channels of a shared input, for which the weights are.
        self.order = x.order if self.takes_shared and conv.groups == 1 else None
        sources, affine = sources_of(norm_layer), affine_of(norm_layer)
        if sources is None or affine is None:
            raise ValueError(
                f'norms must have statistics and an exchange that are constants, got '
                f'{norm_layer}: leave it as it is'
            )
        scale, shift = affine
        if conv.bias is not None:
            shift = shift + scale * conv.bias.double()
        if self.takes_shared:
            self._fold_for_shared(sources, scale, shift)
        else:
            self._fold_for_each(sources, scale, shift)

    def _fold_for_shared(self, sources: Any, scale: Tensor, shift: Tensor) -> None:
        """All streams are computed at once, and get scales and offsets of their own."""
        M, C = scale.shape
        mixing = scale.new_zeros(M, M, C)  # output stream, source, channel
        for m, of_stream in enumerate(sources):
            for channel, streams in enumerate(of_stream):
                for s in streams:
                    mixing[m, s, channel] = 1 / len(streams)
        scale, shift = (mixing * scale).sum(1), (mixing * shift).sum(1)
        self.gives_shared = bool(
            (scale == scale[0]).all() and (shift == shift[0]).all()
        )
        weight = self.conv.weight.double()
        if self.order is not None:
            weight = weight[:, self.order]
        if self.gives_shared:
            weight = weight * scale[0].view(-1, 1, 1, 1)
            self._keep('bias', shift[0])
        else:
            self._keep('scale', scale.view(M, C, 1, 1))
            self._keep('shift', shift.view(M, C, 1, 1))
        self._keep('weight', weight)

    def _fold_for_each(self, sources: Any, scale: Tensor, shift: Tensor) -> None:
        """The channels that are looked at are computed, and put together."""
        M, C = scale.shape
        conv = self.conv
        rows = needed_channels(sources)
        self.groups = [(0, conv.groups)] * M
        if conv.groups == 1:
            rows = fill_up(rows, C, LANES)
        else:
            size = C // conv.groups
            for m, channels in enumerate(rows):
                first = channels[0] // size if channels else 0
                last = channels[-1] // size + 1 if channels else 1
                self.groups[m] = (first, last - first)
                rows[m] = [*range(first * size, last * size)]
        self.num_rows = [len(channels) for channels in rows]
        lanes = sum(-(-number // LANES) for number in self.num_rows)
        even = {*self.num_rows} == {self.num_rows[0]} and conv.padding_mode == 'zeros'
        if conv.groups == 1:
            even = even and self.num_rows[0] % LANES == conv.in_channels % LANES == 0
        else:
            even = even and all(count == conv.groups for _, count in self.groups)
        self.in_groups = even
        self.whole = not even and lanes >= M * -(-C // LANES)
        if self.whole:
            rows = [[*range(C)] for _ in range(M)]
            self._keep('scale', scale.view(M, C, 1, 1))
            self._keep('shift', shift.view(M, C, 1, 1))
        else:
            scaled = conv.weight.double() * scale.view(M, C, 1, 1, 1)
            weights = [w[r] for w, r in zip(scaled, rows, strict=True)]
            self._keep('weight', torch.cat(weights))
            biases = [s[r] for s, r in zip(shift, rows, strict=True)]
            self._keep('bias', torch.cat(biases))
        self.gathering = gather(sources, rows)
        self.gives_shared = self.gathering.shared
        device = conv.weight.device
        numbers = torch.tensor(self.gathering.channels, device=device)
        self.register_buffer('channels', numbers, persistent=False)
        for i, means in enumerate(self.gathering.means):
            numbers = torch.tensor(means, device=device)
            self.register_buffer(f'means{i}', numbers, persistent=False)

    def _keep(self, name: str, value: Tensor) -> None:
        value = value.detach().to(self.conv.weight.dtype).contiguous()
        self.register_buffer(name, value, persistent=False)

    def forward(self, x: Any) -> Any:
        if self.norm_layer.present is None and is_shared(x) == self.takes_shared:
            if not self.takes_shared:
                return self._put_together(self._convolve(as_folded(x)))
            if x.order == self.order:
                return self._convolve_shared(x.once)
            if self.order is None:
                return self._convolve_shared(x.in_order())
        return self.norm_layer(self.conv(as_folded(x)))

    def _convolve_shared(self, x: Tensor) -> Any:
        conv, M = self.conv, self.num_modalities
        if self.gives_shared:
            return Shared(conv._conv_forward(x, self.weight, self.bias), M)
        out = conv._conv_forward(x, self.weight, None).unsqueeze(1)
        # Two passes are faster than one of torch.addcmul, which is not vectorized.
        out = (out * self.scale.to(out.dtype)).add_(self.shift.to(out.dtype))
        return out.flatten(0, 1)

    def _convolve(self, x: Tensor) -> Tensor:
        """Folded features -> computed channels of all streams, side by side."""
        conv, M = self.conv, self.num_modalities
        if self.whole:
            out = conv._conv_forward(x, conv.weight, None)
            streams = unfolded(out, M)
            streams.mul_(self.scale.to(out.dtype)).add_(self.shift.to(out.dtype))
            return out if self.gathering.trivial else packed(out, M)
        if self.in_groups and x.is_contiguous():
            stride, padding, dilation = conv.stride, conv.padding, conv.dilation
            groups, x = M * conv.groups, packed(x, M)
            return F.conv2d(
                x, self.weight, self.bias, stride, padding, dilation, groups
            )
        weights = self.weight.split(self.num_rows)
        biases = self.bias.split(self.num_rows)
        parts = unfolded(x, M).unbind(1)
        return torch.cat(
            [
                self._convolve_stream(*arguments)
                for arguments in zip(parts, weights, biases, self.groups, strict=True)
                if len(arguments[1])
            ],
            dim=1,
        )

    def _convolve_stream(
        self, x: Tensor, weight: Tensor, bias: Tensor, groups: tuple[int, int]
    ) -> Tensor:
        conv = self.conv
        if conv.groups == 1:
            return conv._conv_forward(x, weight, bias)
        first, count = groups
        size = conv.in_channels // conv.groups
        x = x.narrow(1, first * size, count * size)
        padding = conv.padding
        if conv.padding_mode != 'zeros':
            margins = conv._reversed_padding_repeated_twice
            x = F.pad(x, margins, mode=conv.padding_mode)
            padding = (0, 0)
        return F.conv2d(x, weight, bias, conv.stride, padding, conv.dilation, count)

    def _put_together(self, computed: Tensor) -> Any:
        """Computed channels -> those of the streams behind the exchange."""
        how, M = self.gathering, self.num_modalities
        if how.order is not None:
            in_order = how.order == tuple(range(len(how.order)))
            return Shared(computed, M, None if in_order else how.order)
        if not how.trivial:
            parts = [computed]
            if how.means:
                means = [
                    take_channels(computed, getattr(self, f'means{i}'))
                    for i in range(len(how.means))
                ]
                parts.append(sum(means[1:], means[0]) / len(means))
            if how.zero:
                parts.append(torch.zeros_like(computed[:, :1]))
            joined = torch.cat(parts, dim=1) if len(parts) > 1 else computed
            computed = take_channels(joined, self.channels)
        if how.shared:
            return Shared(computed, M)
        if self.whole and how.trivial:
            return computed
        return folded(computed, M)

    def train(self, mode: bool = True) -> 'FrozenConv':
        if mode:
            raise ValueError(
                'a network with frozen exchange must stay in eval mode, got train(): '
                'train the network it was made of, and freeze that again'
            )
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any) -> None:
        raise ValueError(
            'weights must be loaded before the exchange is frozen, got a network with '
            'frozen exchange: load them into the network it was made of'
        )


class FoldedNorm(nn.Identity):
    """In the place of a norm that a :class:`FrozenConv` computes."""


def is_shared(x: Any) -> bool:
    """Whether ``x`` stands for equal streams, and nobody has folded them."""
    return isinstance(x, Shared) and not x.is_folded
