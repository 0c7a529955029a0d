"""Attention complementary module of ACNet.

Reference: Hu et al., "ACNet: Attention Based Network to Exploit Complementary Features
for RGBD Semantic Segmentation", ICIP 2019.
"""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.private import to_private

from .base import MergingFusion


@MODELS.register_module()
class ACMFusion(MergingFusion):
    """The sum of the streams, with weights of channels by their global means.

    ACNet has a third encoder for the merged stream; here, the trunk behind the last
    fused stage takes its place.

    Args:
        channels: Channels C of one stream.
        **kwargs: ``num_modalities`` and ``merges``, see :class:`Fusion`.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(channels, **kwargs)
        conv = nn.Conv2d(channels, channels, 1)
        self.attention = to_private(conv, self.num_modalities)

    def merge(self, streams: Tensor) -> Tensor:
        means = streams.flatten(0, 1).mean(dim=(-2, -1), keepdim=True)
        weights = torch.sigmoid(self.attention(means))
        return (streams * split_streams(weights, self.num_modalities)).sum(dim=1)
