"""The discriminator: is a patch of an image real, given its source?"""

from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .layers import INIT_CFG


@MODELS.register_module()
class PatchDiscriminator(BaseModule):
    """PatchGAN discriminator of pix2pix, one for the streams of all modalities.

    With three strided layers, each output judges a patch of 70 x 70 pixels. All
    modalities share all layers, the instance norms included.

    Args:
        in_channels: Channels of a source and of the target together.
        base_channels: Channels of the first layer, ``ndf``; the following layers have
            2, 4, 8, 8, ... times as many.
        num_strided: Layers of stride 2.
        init_cfg: Initialization config.

    Shape:
        - Input: sources (N, C, H, W) and images (N, C_t, H, W).
        - Output: logits, (N, 1, h, w); their sigmoid is the probability that a patch
          is real.

    Raises:
        ValueError: If an argument is not positive, or the input has other channels or
            is too small for a patch.
    """

    def __init__(
        self,
        in_channels: int = 6,
        base_channels: int = 64,
        num_strided: int = 3,
        init_cfg: Any = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        if min(in_channels, base_channels, num_strided) < 1:
            raise ValueError(
                '`in_channels`, `base_channels` and `num_strided` must be positive, '
                f'got {in_channels}, {base_channels} and {num_strided}: give 1 or more'
            )
        self.in_channels = in_channels
        self.num_strided = num_strided
        widths = [base_channels * min(2**i, 8) for i in range(num_strided + 1)]
        self.layers = nn.ModuleDict()
        channels = in_channels
        for i, width in enumerate([*widths, 1], start=1):
            first, last = i == 1, i == len(widths) + 1
            self.layers[f'conv{i}'] = PatchLayer(
                channels,
                width,
                stride=2 if i <= num_strided else 1,
                activation=not first,
                norm=not (first or last),
            )
            channels = width

    def forward(self, sources: Tensor, images: Tensor) -> Tensor:
        x = torch.cat([sources, images], dim=1)
        if x.shape[1] != self.in_channels:
            raise ValueError(
                'the channels of a source and of the target must be '
                f'discriminator.in_channels={self.in_channels} together, got '
                f'{sources.shape[1]} + {images.shape[1]}: make them agree'
            )
        # Two layers of stride 1 follow, each of which takes one row and one column.
        size, least = tuple(x.shape[-2:]), 3 * 2**self.num_strided
        if min(size) < least:
            raise ValueError(
                f'with num_strided={self.num_strided}, images must have at least '
                f'{least} pixels a side, got {size}: take larger images or a smaller '
                '`num_strided`'
            )
        for layer in self.layers.values():
            x = layer(x)
        return x


class PatchLayer(nn.Module):
    """LeakyReLU, 4x4 convolution, instance norm.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Stride of the convolution.
        activation: Whether there is an activation.
        norm: Whether there is a norm.

    Shape:
        (N, C, H, W) -> (N, C', H', W').
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        activation: bool,
        norm: bool,
    ) -> None:
        super().__init__()
        self.activation = nn.LeakyReLU(0.2) if activation else nn.Identity()
        self.conv = nn.Conv2d(in_channels, out_channels, 4, stride, padding=1)
        self.norm: nn.Module = nn.Identity()
        if norm:
            self.norm = nn.InstanceNorm2d(
                out_channels, affine=True, track_running_stats=True
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(self.activation(x)))
