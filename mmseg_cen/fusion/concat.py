"""Concatenation, the first baseline of the paper (Appendix B)."""

from typing import Any

from mmseg.registry import MODELS
from torch import nn

from .base import JointFusion


@MODELS.register_module()
class ConcatFusion(JointFusion):
    """A 1x1 convolution over all streams side by side, M*C -> C: M*C^2 parameters.

    Args:
        channels: Channels C of one stream.
        **kwargs: ``num_modalities`` and ``merges``, see :class:`Fusion`.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(channels, **kwargs)
        self.block = nn.Conv2d(self.num_modalities * channels, channels, 1)
