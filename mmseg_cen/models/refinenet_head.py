"""RefineNet decoder.

Reference: Lin et al., "RefineNet: Multi-Path Refinement Networks for Dense Prediction",
TPAMI 2019; the full variant with 3x3 convolutions that the paper trains.
"""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.fusion.residual_unit import ResidualConvUnit, convolution


class ChainedResidualPooling(nn.Module):
    """``x + p_1 + ... + p_n``, each p a convolution of the max pooled p before it.

    Shape:
        - Input and output: (B, C, H, W).
    """

    def __init__(
        self,
        channels: int,
        num_stages: int = 4,
        norm_cfg: dict | None = None,
        kernel_size: int = 3,
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            convolution(channels, channels, norm_cfg, kernel_size=kernel_size)
            for _ in range(num_stages)
        )

    def forward(self, x: Tensor) -> Tensor:
        out = pooled = F.relu(x)
        for conv in self.convs:
            pooled = conv(F.max_pool2d(pooled, kernel_size=5, stride=1, padding=2))
            out = out + pooled
        return out


class RefineNetBlock(nn.Module):
    """Refine the features of one stage with the output of the next coarser block.

    Residual conv units, multi-resolution fusion (absent in the coarsest block), chained
    residual pooling, residual conv units.

    Args:
        in_channels: Channels of the stage.
        channels: Channels C within the block.
        has_coarser: Whether a coarser block exists.
        finer_channels: Channels of the next finer block; ``None`` for the finest.
        norm_cfg: Norm after each convolution; ``None``: there is none.
        rectify_residual: See :class:`ResidualConvUnit`.
        kernel_size: Size k of the k x k convolutions beside the residual conv units.
        num_units: Number of residual conv units at the beginning and at the end.

    Shape:
        - Input: (B, in_channels, H, W), and (B, C, h, w) of the coarser block.
        - Output: (B, finer_channels or C, H, W).
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        has_coarser: bool,
        finer_channels: int | None,
        norm_cfg: dict | None,
        rectify_residual: bool,
        kernel_size: int = 3,
        num_units: tuple[int, int] = (2, 3),
    ) -> None:
        super().__init__()

        def conv(in_channels: int, out_channels: int) -> nn.Module:
            return convolution(
                in_channels, out_channels, norm_cfg, kernel_size=kernel_size
            )

        def units(count: int) -> nn.Sequential:
            return nn.Sequential(
                *(
                    ResidualConvUnit(channels, norm_cfg, rectify_residual)
                    for _ in range(count)
                )
            )

        self.reduce = conv(in_channels, channels)
        self.adapt = units(num_units[0])
        self.fuse = conv(channels, channels) if has_coarser else None
        self.pool = ChainedResidualPooling(
            channels, norm_cfg=norm_cfg, kernel_size=kernel_size
        )
        self.refine = units(num_units[1])
        self.to_finer = (
            nn.Identity() if finer_channels is None else conv(channels, finer_channels)
        )

    def forward(self, x: Tensor, coarser: Tensor | None = None) -> Tensor:
        x = self.adapt(self.reduce(x))
        if self.fuse is not None and coarser is not None:
            x = self.fuse(x) + F.interpolate(
                coarser, size=x.shape[2:], mode='bilinear', align_corners=True
            )
        return self.to_finer(self.refine(self.pool(x)))


@MODELS.register_module()
class RefineNetHead(BaseDecodeHead):
    """RefineNet over the four stages of a backbone; logits at the finest stage's size.

    Args:
        in_channels: Channels of each stage, finest first.
        channels: Channels of the three finer blocks; the coarsest has twice as many.
        in_index: Indices of the stages.
        rectify_residual: See :class:`ResidualConvUnit`; needed for released weights.
        dropout_ratio: Of the two coarsest stages' features and before the classifier.
        norm_cfg: Norm after each convolution of the decoder. RefineNet has none.
        **kwargs: Arguments of :class:`BaseDecodeHead`.

    Shape:
        - Input: one feature map (B, in_channels[i], H_i, W_i) of each stage.
        - Output: (B, K, H_0, W_0).
    """

    kernel_size = 3
    num_units = (2, 3)

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        channels: int = 256,
        in_index: Sequence[int] = (0, 1, 2, 3),
        rectify_residual: bool = False,
        dropout_ratio: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            in_channels=list(in_channels),
            channels=channels,
            in_index=list(in_index),
            input_transform='multiple_select',
            dropout_ratio=dropout_ratio,
            **kwargs,
        )
        coarsest = len(self.in_channels) - 1
        widths = [channels] * coarsest + [2 * channels]
        self.blocks = nn.ModuleList(
            RefineNetBlock(
                self.in_channels[i],
                widths[i],
                has_coarser=i < coarsest,
                finer_channels=widths[i - 1] if i > 0 else None,
                norm_cfg=self.norm_cfg,
                rectify_residual=rectify_residual,
                kernel_size=self.kernel_size,
                num_units=self.num_units,
            )
            for i in range(coarsest + 1)
        )
        self.dropout = nn.Dropout(dropout_ratio)
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 3, padding=1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        stages = self._transform_inputs(inputs)
        x = None
        for i in reversed(range(len(stages))):
            stage = self.dropout(stages[i]) if i >= len(stages) - 2 else stages[i]
            x = self.blocks[i](stage, x)
        return self.cls_seg(x)
