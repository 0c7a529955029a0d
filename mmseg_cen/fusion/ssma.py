"""Self-supervised model adaptation, the paper's self-attention baseline.

Reference: Valada et al., "Self-Supervised Model Adaptation for Multimodal Semantic
Segmentation", IJCV 2020.
"""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.convert import to_multimodal

from .base import JointFusion


@MODELS.register_module()
class SSMAFusion(JointFusion):
    """The SSMA block: streams side by side, weighted by a gate, and reduced to one.

    With M = 2 and a reduction of 16, the block has 20.25 C^2 parameters, as counted in
    Table 2.

    Args:
        channels: Channels C of one stream.
        reduction: Ratio eta of C to the channels within the gate.
        norm: Whether a batch norm follows the last convolution, as behind the encoder
            of the reference; otherwise it has a bias, as in the skips there.
        **kwargs: ``num_modalities`` and ``merges``, see :class:`Fusion`.

    Raises:
        ValueError: If ``reduction`` is not positive.
    """

    def __init__(
        self, channels: int, reduction: int = 16, norm: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(channels, **kwargs)
        if reduction < 1:
            raise ValueError(
                f'`reduction` must be at least 1, got {reduction}: increase it'
            )
        hidden = max(1, channels // reduction)
        self.block = SSMABlock(self.num_modalities * channels, hidden, channels, norm)
        if not self.merges:
            to_multimodal(self.block, self.num_modalities)


class SSMABlock(nn.Module):
    """A gated 3x3 convolution, ``BN(conv(z * sigmoid(conv(relu(conv(z))))))``.

    Shape:
        - Input: (B, in_channels, H, W).
        - Output: (B, out_channels, H, W).
    """

    def __init__(
        self, in_channels: int, hidden: int, out_channels: int, norm: bool
    ) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(in_channels, hidden, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(hidden, in_channels, 3, padding=1),
        )
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        return self.norm(self.conv(z * torch.sigmoid(self.gate(z))))
