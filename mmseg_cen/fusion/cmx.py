"""Rectification and fusion of CMX.

Reference: Zhang et al., "CMX: Cross-Modal Fusion for RGB-X Semantic Segmentation with
Transformers", T-ITS 2023.
"""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.exchange import mean_of_others
from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.private import to_private

from .base import Fused, Fusion


@MODELS.register_module()
class CMXFusion(Fusion):
    """Streams rectify each other, and cross-attention merges them.

    The rectified streams of a :class:`Rectification` (FRM) go on. With ``merges=True``,
    a :class:`CrossMerge` (FFM) of them goes to the decoder; if streams are kept, there
    is none.

    Args:
        channels: Channels C of one stream.
        reduction: Ratio of the channels before and within perceptrons; 1 as in CMX.
        num_heads: Heads of the cross-attention.
        **kwargs: ``num_modalities`` and ``merges``, see :class:`Fusion`.

    Raises:
        ValueError: If C is not a multiple of ``reduction * num_heads``.
    """

    def __init__(
        self, channels: int, reduction: int = 1, num_heads: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(channels, **kwargs)
        if reduction < 1 or num_heads < 1 or channels % (reduction * num_heads):
            raise ValueError(
                f'`channels` must be a multiple of reduction * num_heads, got '
                f'{channels} and {reduction} * {num_heads}: choose divisors'
            )
        M = self.num_modalities
        self.rectify = Rectification(channels, M, reduction)
        self.merge = (
            CrossMerge(channels, M, reduction, num_heads) if self.merges else None
        )

    def forward(self, streams: Tensor) -> Fused:
        streams = self.rectify(streams)
        return Fused(streams, None if self.merge is None else self.merge(streams))


class Rectification(nn.Module):
    """Feature rectification: the other streams are added, weighted twice.

    Stream m becomes ``x_m + mean over n != m of (channel_n + place_n) / 2 * x_n``. The
    weights of the channels and of the places of stream n are sigmoids, computed from
    all streams.

    Shape:
        - Input and output: streams, (B, M, C, H, W).
    """

    def __init__(self, channels: int, num_modalities: int, reduction: int) -> None:
        super().__init__()
        packed = num_modalities * channels
        self.of_channels = nn.Sequential(
            nn.Linear(2 * packed, 2 * packed // reduction),
            nn.ReLU(),
            nn.Linear(2 * packed // reduction, packed),
            nn.Sigmoid(),
        )
        self.of_places = nn.Sequential(
            nn.Conv2d(packed, channels // reduction, 1),
            nn.ReLU(),
            nn.Conv2d(channels // reduction, num_modalities, 1),
            nn.Sigmoid(),
        )

    def forward(self, streams: Tensor) -> Tensor:
        packed = streams.flatten(1, 2)
        pooled = torch.cat([packed.mean(dim=(2, 3)), packed.amax(dim=(2, 3))], dim=1)
        of_channels = self.of_channels(pooled).view(*streams.shape[:3], 1, 1)
        of_places = self.of_places(packed).unsqueeze(2)
        return streams + mean_of_others((of_channels + of_places) / 2 * streams)


class CrossMerge(nn.Module):
    """Feature fusion: efficient cross-attention of the streams, then a residual block.

    Each stream is projected to two halves, y and u. Keys and values are projections of
    u; their context is ``softmax(k^T v)`` over the channels of the keys. The queries u
    of a stream attend to the mean of the other streams' contexts. The result is joined
    with y and added to the stream.

    Shape:
        - Input: streams, (B, M, C, H, W).
        - Output: (B, C, H, W).
    """

    def __init__(
        self, channels: int, num_modalities: int, reduction: int, num_heads: int
    ) -> None:
        super().__init__()
        M, hidden = num_modalities, channels // reduction
        self.num_heads = num_heads
        self.scale = (hidden // num_heads) ** -0.5
        self.project = to_private(nn.Linear(channels, 2 * hidden), M)
        self.keys_values = to_private(nn.Linear(hidden, 2 * hidden, bias=False), M)
        self.join = to_private(nn.Linear(2 * hidden, channels), M)
        self.norm = to_multimodal(nn.LayerNorm(channels), M)
        self.shortcut = nn.Conv2d(M * channels, channels, 1, bias=False)
        self.embed = nn.Sequential(
            nn.Conv2d(M * channels, hidden, 1),
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1),
            nn.BatchNorm2d(channels),
        )
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, streams: Tensor) -> Tensor:
        B, M, C, H, W = streams.shape
        tokens = streams.flatten(3).transpose(2, 3).flatten(0, 1)  # (B*M, H*W, C)
        y, u = self.project(tokens).relu().chunk(2, dim=-1)
        joined = self.join(torch.cat([y, self._attend(u, M)], dim=-1))
        tokens = self.norm(tokens + joined)
        packed = tokens.transpose(1, 2).reshape(B, M * C, H, W)
        return self.out_norm(self.shortcut(packed) + self.embed(packed))

    def _attend(self, u: Tensor, num_modalities: int) -> Tensor:
        """Queries (B*M, N, C') of the streams, attending to the others' contexts."""

        def heads(x: Tensor) -> Tensor:  # (B*M, heads, N, C' / heads)
            return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

        keys, values = (heads(x) for x in self.keys_values(u).chunk(2, dim=-1))
        context = (keys.transpose(-2, -1) @ values * self.scale).softmax(dim=-2)
        others = mean_of_others(split_streams(context, num_modalities)).flatten(0, 1)
        return (heads(u) @ others).transpose(1, 2).flatten(2)
