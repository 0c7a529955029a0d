"""Average of the streams (Sec. 4.2)."""

from mmseg.registry import MODELS
from torch import Tensor

from .base import Fused, Fusion


@MODELS.register_module()
class AverageFusion(Fusion):
    """The mean of all streams, without parameters.

    If streams are kept, each of them becomes the mean; only later private layers make
    them differ again.
    """

    def forward(self, streams: Tensor) -> Fused:
        mean = streams.mean(dim=1)
        if self.merges:
            return Fused(streams, merged=mean)
        return Fused(mean.unsqueeze(1).expand_as(streams))
