"""Decode heads over lists of streams: RefineNet, PSPNet, and a shallow one."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .list_layers import PrivateNorms, Streams, each


def convolution(
    in_channels: int, channels: int, size: int = 3, bias: bool = False
) -> nn.Conv2d:
    """A convolution that keeps height and width."""
    return nn.Conv2d(in_channels, channels, size, padding=size // 2, bias=bias)


class ResidualUnit(nn.Module):
    """``x + conv(relu(conv(relu(x))))``; ``relu(x) + ...`` if ``rectified``."""

    def __init__(self, channels: int, rectified: bool) -> None:
        super().__init__()
        self.conv1 = convolution(channels, channels, bias=True)
        self.conv2 = convolution(channels, channels)
        self.rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        positive = F.relu(x)
        out = self.conv2(F.relu(self.conv1(positive), inplace=True))
        return out + (positive if self.rectified else x)


class ChainedPooling(nn.Module):
    """Four times: pool the last summand, convolve it, add it."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            convolution(channels, channels, size) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        total = last = F.relu(x)
        for conv in self.convs:
            last = conv(F.max_pool2d(last, 5, stride=1, padding=2))
            total = total + last
        return total


class RefineBlock(nn.Module):
    """One of the four blocks of a RefineNet, for one stream."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        finer_channels: int | None,
        coarsest: bool,
        rectified: bool,
        size: int,
        units: Sequence[int],
    ) -> None:
        super().__init__()
        self.reduce = convolution(in_channels, channels, size)
        self.adapt = nn.Sequential(
            *(ResidualUnit(channels, rectified) for _ in range(units[0]))
        )
        if not coarsest:
            self.fuse = convolution(channels, channels, size)
        self.pool = ChainedPooling(channels, size)
        self.refine = nn.Sequential(
            *(ResidualUnit(channels, rectified) for _ in range(units[1]))
        )
        if finer_channels is not None:
            self.to_finer = convolution(channels, finer_channels, size)
        self.is_finest = finer_channels is None

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        x = self.adapt(self.reduce(x))
        if coarser is not None:
            size = x.shape[2:]
            x = self.fuse(x) + F.interpolate(
                coarser, size, mode='bilinear', align_corners=True
            )
        x = self.refine(self.pool(x))
        return x if self.is_finest else self.to_finer(x)


class RefineHead(nn.Module):
    """RefineNet, shared by the streams and run for one after the other."""

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        channels: int = 256,
        dropout_ratio: float = 0.5,
        rectify_residual: bool = False,
        size: int = 3,
        units: Sequence[int] = (2, 3),
    ) -> None:
        super().__init__()
        last = len(in_channels) - 1
        widths = [channels] * last + [2 * channels]
        self.blocks = nn.ModuleList(
            RefineBlock(
                in_channels[i],
                widths[i],
                widths[i - 1] if i else None,
                coarsest=i == last,
                rectified=rectify_residual,
                size=size,
                units=units,
            )
            for i in range(last + 1)
        )
        self.dropout = nn.Dropout(dropout_ratio)
        self.conv_seg = convolution(channels, num_classes, bias=True)

    def of_stream(self, stages: Sequence[Tensor]) -> Tensor:
        x = None
        for i in reversed(range(len(stages))):
            coarse = i >= len(stages) - 2
            stage = self.dropout(stages[i]) if coarse else stages[i]
            x = self.blocks[i](stage, x)
        return self.conv_seg(self.dropout(x))

    def forward(self, stages: Sequence[Streams]) -> Streams:
        return [self.of_stream(of_stream) for of_stream in zip(*stages, strict=True)]


class ConvNormReLU(nn.Module):
    """Shared convolution, private norms, ReLU."""

    def __init__(
        self, in_channels: int, channels: int, num_streams: int, size: int
    ) -> None:
        super().__init__()
        self.conv = convolution(in_channels, channels, size)
        self.bn = PrivateNorms(channels, num_streams)

    def forward(self, streams: Streams) -> Streams:
        streams = self.bn(each(self.conv, streams))
        return each(nn.ReLU(inplace=True), streams)


class PyramidHead(nn.Module):
    """The head of PSPNet: pooled to grids, convolved, beside the features."""

    def __init__(
        self,
        num_classes: int,
        num_streams: int,
        in_channels: int,
        channels: int,
        in_index: int = -1,
        pool_scales: Sequence[int] = (1, 2, 3, 6),
        dropout_ratio: float = 0.1,
    ) -> None:
        super().__init__()
        self.in_index = in_index
        self.pool_scales = pool_scales
        self.psp_modules = nn.ModuleList(
            ConvNormReLU(in_channels, channels, num_streams, 1) for _ in pool_scales
        )
        self.bottleneck = ConvNormReLU(
            in_channels + len(pool_scales) * channels, channels, num_streams, 3
        )
        self.dropout = nn.Dropout2d(dropout_ratio)
        self.conv_seg = convolution(channels, num_classes, 1, bias=True)

    def forward(self, stages: Sequence[Streams]) -> Streams:
        features = stages[self.in_index]
        size = features[0].shape[2:]
        pyramid = [features]
        for scale, layer in zip(self.pool_scales, self.psp_modules, strict=True):
            pooled = layer(each(nn.AdaptiveAvgPool2d(scale), features))
            pyramid.append([F.interpolate(x, size, mode='bilinear') for x in pooled])
        joined = [torch.cat(parts, dim=1) for parts in zip(*pyramid, strict=True)]
        out = self.bottleneck(joined)
        return each(self.conv_seg, each(self.dropout, out))


class ShallowHead(nn.Module):
    """One convolution before the classifier, over one stage or several resized ones."""

    def __init__(
        self,
        num_classes: int,
        num_streams: int,
        in_channels: int | Sequence[int],
        channels: int,
        in_index: int | Sequence[int] = -1,
        dropout_ratio: float = 0.1,
    ) -> None:
        super().__init__()
        self.in_index = [in_index] if isinstance(in_index, int) else in_index
        if not isinstance(in_channels, int):
            in_channels = sum(in_channels)
        self.convs = nn.ModuleList(
            [ConvNormReLU(in_channels, channels, num_streams, 3)]
        )
        self.dropout = nn.Dropout2d(dropout_ratio)
        self.conv_seg = convolution(channels, num_classes, 1, bias=True)

    def forward(self, stages: Sequence[Streams]) -> Streams:
        chosen = [stages[i] for i in self.in_index]
        size = chosen[0][0].shape[2:]
        resized = [
            each(lambda x: F.interpolate(x, size, mode='bilinear'), features)
            for features in chosen[1:]
        ]
        joined = [
            torch.cat(parts, dim=1) for parts in zip(chosen[0], *resized, strict=True)
        ]
        out = self.convs[0](joined)
        return each(self.conv_seg, each(self.dropout, out))
