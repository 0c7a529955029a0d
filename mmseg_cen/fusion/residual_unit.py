"""The residual convolution unit, of which RefineNet and RDFNet are made.

Reference: Lin et al., "RefineNet: Multi-Path Refinement Networks for High-Resolution
Semantic Segmentation", CVPR 2017.
"""

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from torch import Tensor, nn


def convolution(
    in_channels: int,
    channels: int,
    norm_cfg: dict | None,
    bias: bool = False,
    kernel_size: int = 3,
) -> ConvModule:
    """A convolution that keeps the size, 3x3, and its norm, if any; no activation.

    Without a norm it starts with PyTorch's weights, as in RefineNet's implementations:
    those of a ConvModule are 2.4 times larger, and behind fifty of them logits are too
    large to be trained.
    """
    module = ConvModule(
        in_channels,
        channels,
        kernel_size,
        padding=kernel_size // 2,
        bias=bias,
        norm_cfg=norm_cfg,
        act_cfg=None,
    )
    if norm_cfg is None:
        module.conv.reset_parameters()
    return module


class ResidualConvUnit(nn.Module):
    """Two 3x3 convolutions with a shortcut, ``x + conv(relu(conv(relu(x))))``.

    Args:
        channels: Channels C.
        norm_cfg: Norm after each convolution; RefineNet has none.
        rectify_residual: Whether to add ``relu(x)`` instead of ``x``, as the released
            code does, whose first ReLU works in place.

    Shape:
        - Input and output: (B, C, H, W).
    """

    def __init__(
        self,
        channels: int,
        norm_cfg: dict | None = None,
        rectify_residual: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = convolution(channels, channels, norm_cfg, bias=norm_cfg is None)
        self.conv2 = convolution(channels, channels, norm_cfg)
        self.rectify_residual = rectify_residual

    def forward(self, x: Tensor) -> Tensor:
        rectified = F.relu(x)
        out = self.conv2(F.relu(self.conv1(rectified)))
        return out + (rectified if self.rectify_residual else x)
