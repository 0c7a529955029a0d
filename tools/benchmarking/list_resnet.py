"""ResNet over lists of streams (Sec. 3, Appendix B)."""

from collections.abc import Callable, Sequence

from torch import nn

from .list_layers import NormsWithExchange, PrivateNorms, Streams, each

#: Blocks of each stage, and whether they are bottlenecks.
DEPTHS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
Norms = Callable[[int], PrivateNorms]  # of a number of channels


class Shortcut(nn.Sequential):
    """A convolution of size 1 and its private norms."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, norms: Norms
    ) -> None:
        conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        super().__init__(conv, norms(out_channels))

    def forward(self, streams: Streams) -> Streams:
        return self[1](each(self[0], streams))


class Block(nn.Module):
    """A residual block: two 3x3 convolutions, or 1x1, 3x3 and 1x1 ones.

    Args:
        in_channels: Channels of the input.
        width: Channels within the block.
        expansion: Channels of the output as a multiple of them; 1: no bottleneck.
        stride: Stride of the block, in a 3x3 convolution.
        dilation: Dilation of the 3x3 convolution.
        norms: Makes private norms.
        exchanging: Makes private norms with exchange, for after a 3x3 convolution.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        expansion: int,
        stride: int,
        dilation: int,
        norms: Norms,
        exchanging: Norms,
    ) -> None:
        super().__init__()
        out_channels = width * expansion
        strided = nn.Conv2d(
            in_channels if expansion == 1 else width,
            width,
            3,
            stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        if expansion == 1:
            self.conv1, self.bn1 = strided, exchanging(width)
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn2 = exchanging(width)
        else:
            self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
            self.bn1 = norms(width)
            self.conv2, self.bn2 = strided, exchanging(width)
            self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
            self.bn3 = norms(out_channels)
        self.is_bottleneck = expansion > 1
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1 or in_channels != out_channels:
            self.downsample = Shortcut(in_channels, out_channels, stride, norms)

    def forward(self, streams: Streams) -> Streams:
        out = each(self.relu, self.bn1(each(self.conv1, streams)))
        out = self.bn2(each(self.conv2, out))
        if self.is_bottleneck:
            out = self.bn3(each(self.conv3, each(self.relu, out)))
        if self.downsample is not None:
            streams = self.downsample(streams)
        return each(self.relu, [x + y for x, y in zip(out, streams, strict=True)])


class ListResNet(nn.Module):
    """ResNet whose layers take lists of M streams; the output of each stage.

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_modalities: Number of streams M.
        exchange_threshold: See :class:`NormsWithExchange`, as for the scope.
        exchange_scope: ``'own'`` or ``'all'``.
        in_channels: Channels of an image.
        stem_channels: Channels of the stem.
        base_channels: Channels within the blocks of the first stage.
        strides: Stride of each stage.
        dilations: Dilation of each stage.
        contract_dilation: Whether the first block of a stage has half its dilation.
        norm_eval: Whether running statistics are used in a training, too.
    """

    def __init__(
        self,
        depth: int,
        num_modalities: int = 2,
        exchange_threshold: float = 2e-2,
        exchange_scope: str = 'own',
        in_channels: int = 3,
        stem_channels: int = 64,
        base_channels: int = 64,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        contract_dilation: bool = False,
        norm_eval: bool = False,
    ) -> None:
        super().__init__()
        M = num_modalities

        def norms(channels: int) -> PrivateNorms:
            return PrivateNorms(channels, M)

        def exchanging(channels: int) -> PrivateNorms:
            return NormsWithExchange(channels, M, exchange_threshold, exchange_scope)

        blocks, is_bottleneck = DEPTHS[depth]
        expansion = 4 if is_bottleneck else 1
        self.conv1 = nn.Conv2d(in_channels, stem_channels, 7, 2, padding=3, bias=False)
        self.bn1 = norms(stem_channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.norm_eval = norm_eval
        channels = stem_channels
        for i, count in enumerate(blocks):
            stage = nn.Sequential()
            for k in range(count):
                dilation = dilations[i]
                if k == 0 and contract_dilation and dilation > 1:
                    dilation //= 2
                stride = strides[i] if k == 0 else 1
                width = base_channels * 2**i
                stage.append(
                    Block(
                        channels, width, expansion, stride, dilation, norms, exchanging
                    )
                )
                channels = width * expansion
            self.add_module(f'layer{i + 1}', stage)

    def train(self, mode: bool = True) -> 'ListResNet':
        super().train(mode)
        for layer in self.modules():
            if self.norm_eval and isinstance(layer, nn.BatchNorm2d):
                layer.eval()
        return self

    def forward(self, streams: Streams) -> list[Streams]:
        streams = each(self.relu, self.bn1(each(self.conv1, streams)))
        streams = each(self.maxpool, streams)
        stages = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            streams = stage(streams)
            stages.append(streams)
        return stages
