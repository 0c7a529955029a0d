"""Multi-modal feature fusion of RDFNet.

Reference: Park et al., "RDFNet: RGB-D Multi-Level Residual Feature Fusion for Indoor
Semantic Segmentation", ICCV 2017.
"""

from typing import Any

import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.private import to_private

from .base import MergingFusion
from .residual_unit import ResidualConvUnit


@MODELS.register_module()
class MMFFusion(MergingFusion):
    """Residual convolutions of each modality, their sum, and residual pooling.

    Args:
        channels: Channels C of one stream; the branches have half as many.
        **kwargs: ``num_modalities`` and ``merges``, see :class:`Fusion`.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(channels, **kwargs)
        hidden = max(1, channels // 2)
        branch = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            ResidualConvUnit(hidden),
            ResidualConvUnit(hidden),
            nn.Conv2d(hidden, channels, 3, padding=1, bias=False),
        )
        self.branches = to_private(branch, self.num_modalities)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def merge(self, streams: Tensor) -> Tensor:
        branches = self.branches(streams.flatten(0, 1))
        x = F.relu(split_streams(branches, self.num_modalities).sum(dim=1))
        return x + self.conv(F.max_pool2d(x, kernel_size=5, stride=1, padding=2))
