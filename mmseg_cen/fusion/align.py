"""Fusion by alignment of the distributions of common and of specific features.

References: Wang et al., "Learning Common and Specific Features for RGB-D Semantic
Segmentation with Deconvolutional Networks", ECCV 2016; Long et al., "Learning
Transferable Features with Deep Adaptation Networks", ICML 2015.
"""

from itertools import combinations
from typing import Any

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.exchange import mean_of_others
from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.private import to_private

from .base import Fused, Fusion


def mk_mmd(x: Tensor, y: Tensor, num_kernels: int = 11, factor: float = 2.0) -> Tensor:
    r"""Biased estimate of the maximum mean discrepancy with several Gaussian kernels.

    .. math::
        \overline{k(x, x')} + \overline{k(y, y')} - 2\,\overline{k(x, y)}, \quad
        k(a, b) = \sum_{i=0}^{K-1} \exp\frac{-|a - b|^2}{w f^{i - \lfloor K/2\rfloor}}

    with the bandwidth :math:`w` the mean squared distance of all pairs, taken as a
    constant. The sum over 11 kernels spans bandwidths from 2^-5 to 2^5.

    Args:
        x: Samples of one distribution, (n, C).
        y: Samples of the other, (m, C).
        num_kernels: Number of kernels K.
        factor: Ratio f of neighboring bandwidths.

    Returns:
        A scalar that is not negative, and 0 for equal samples.
    """
    rows = torch.cat([x, y])
    squares = rows.square().sum(dim=1)
    distances = squares[:, None] + squares - 2 * rows @ rows.T
    distances = distances.clamp(min=0)
    n = len(rows)
    eps = torch.finfo(distances.dtype).eps  # all rows may be equal
    bandwidth = (distances.detach().sum() / (n * n - n)).clamp(min=eps)
    kernel = torch.zeros_like(distances)
    for i in range(num_kernels):
        width = bandwidth * factor ** (i - num_kernels // 2)
        kernel = kernel + torch.exp(-distances / width)
    own_x, own_y = kernel[: len(x), : len(x)], kernel[len(x) :, len(x) :]
    return own_x.mean() + own_y.mean() - 2 * kernel[: len(x), len(x) :].mean()


@MODELS.register_module()
class AlignFusion(Fusion):
    r"""Common features are drawn together, and specific ones driven apart.

    From each stream, private 1x1 convolutions and ReLUs compute common and specific
    features (C channels each). A third convolution joins the specific features, the
    common ones and the mean of the others' common ones to the new stream: 5 C^2
    parameters for each modality. The loss is :math:`w_c\,\text{MMD}(common) -
    w_s\,\text{MMD}(specific)`, the mean over all pairs of modalities. Features are
    pooled to a grid for it: each cell of each image is one sample.

    The paper names 11 kernels; bandwidths, weights and samples are chosen here.

    Args:
        channels: Channels C of one stream.
        num_kernels: Number of kernels of :func:`mk_mmd`.
        factor: Ratio of the bandwidths of neighboring kernels.
        common_weight: Weight w_c of the term that draws common features together.
        specific_weight: Weight w_s of the term that drives specific features apart.
        grid: Rows and columns of the grid of samples.
        **kwargs: ``num_modalities``; ``merges`` has to be False.

    Raises:
        ValueError: If an argument is out of its range.
    """

    can_merge = False

    def __init__(
        self,
        channels: int,
        num_kernels: int = 11,
        factor: float = 2.0,
        common_weight: float = 0.1,
        specific_weight: float = 0.1,
        grid: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(channels, **kwargs)
        if num_kernels < 1 or factor <= 1 or grid < 1:
            raise ValueError(
                f'`num_kernels` and `grid` must be at least 1, `factor` more than 1, '
                f'got num_kernels={num_kernels}, grid={grid}, factor={factor}: '
                f'increase them'
            )
        if common_weight < 0 or specific_weight < 0:
            raise ValueError(
                f'`common_weight` and `specific_weight` must not be negative, got '
                f'{common_weight} and {specific_weight}: set them to 0 or more'
            )
        self.num_kernels, self.factor, self.grid = num_kernels, factor, grid
        self.common_weight, self.specific_weight = common_weight, specific_weight
        M = self.num_modalities
        self.common = to_private(nn.Conv2d(channels, channels, 1), M)
        self.specific = to_private(nn.Conv2d(channels, channels, 1), M)
        self.join = to_private(nn.Conv2d(3 * channels, channels, 1), M)

    def forward(self, streams: Tensor) -> Fused:
        M = self.num_modalities
        folded = streams.flatten(0, 1)
        common = split_streams(F.relu(self.common(folded)), M)
        specific = split_streams(F.relu(self.specific(folded)), M)
        parts = torch.cat([specific, common, mean_of_others(common)], dim=2)
        fused = split_streams(self.join(parts.flatten(0, 1)), M)
        return Fused(fused, loss=self.loss(common, specific) if self.training else None)

    def loss(self, common: Tensor, specific: Tensor) -> Tensor:
        """Weighted discrepancies of features, (B, M, C, H, W) each."""
        together = self.common_weight * self.discrepancy(common)
        return together - self.specific_weight * self.discrepancy(specific)

    def discrepancy(self, streams: Tensor) -> Tensor:
        """Mean :func:`mk_mmd` of the pairs of streams, in single precision or more."""
        with torch.autocast(streams.device.type, enabled=False):
            if streams.dtype in (torch.float16, torch.bfloat16):
                streams = streams.float()
            samples = [
                F.adaptive_avg_pool2d(stream, self.grid).movedim(1, -1).flatten(0, 2)
                for stream in streams.unbind(dim=1)
            ]
            pairs = [
                mk_mmd(x, y, self.num_kernels, self.factor)
                for x, y in combinations(samples, 2)
            ]
            return torch.stack(pairs).mean()
