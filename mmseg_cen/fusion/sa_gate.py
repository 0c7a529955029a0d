"""Separation-and-aggregation gate.

Reference: Chen et al., "Bi-directional Cross-Modality Feature Propagation with
Separation-and-Aggregation Gate for RGB-D Semantic Segmentation", ECCV 2020.
"""

from typing import Any

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.exchange import mean_of_others
from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.private import to_private

from .base import Fused, Fusion


@MODELS.register_module()
class SAGateFusion(Fusion):
    """Streams are recalibrated by each other, and summed by a gate at each place.

    Feature separation adds the other modality's features to a stream, with weights of
    their channels by the global means of both. From the results, a 1x1 convolution
    computes the gate, a softmax over the modalities. The merged stream is the sum of
    the original streams, weighted by the gate. Each stream goes on as the ReLU of its
    mean with the merged one. With more than two modalities, the other modality is the
    mean of the others.

    Args:
        channels: Channels C of one stream.
        reduction: Ratio of C to the channels within the perceptrons.
        **kwargs: ``num_modalities`` and ``merges``, see :class:`Fusion`.

    Raises:
        ValueError: If ``reduction`` is not positive.
    """

    def __init__(self, channels: int, reduction: int = 16, **kwargs: Any) -> None:
        super().__init__(channels, **kwargs)
        if reduction < 1:
            raise ValueError(
                f'`reduction` must be at least 1, got {reduction}: increase it'
            )
        hidden = max(1, channels // reduction)
        perceptron = nn.Sequential(
            nn.Linear(2 * channels, hidden),
            nn.ReLU(),
            nn.Linear(hidden, channels),
            nn.Sigmoid(),
        )
        M = self.num_modalities
        self.separation = to_private(perceptron, M)
        self.gate = nn.Conv2d(M * channels, M, 1)

    def forward(self, streams: Tensor) -> Fused:
        others = mean_of_others(streams)
        means = torch.cat([others, streams], dim=2).mean(dim=(-2, -1))
        weights = split_streams(self.separation(means.flatten(0, 1)), streams.shape[1])
        separated = streams + weights[..., None, None] * others
        gate = self.gate(separated.flatten(1, 2)).softmax(dim=1)
        merged = (streams * gate.unsqueeze(2)).sum(dim=1)
        kept = F.relu((streams + merged.unsqueeze(1)) / 2)
        return Fused(kept, merged if self.merges else None)
