"""What a fusion module is: streams in, streams out."""

from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor


class Fused(NamedTuple):
    """What a :class:`Fusion` returns.

    Attributes:
        streams: The streams that go on, (B, M, C, H, W).
        merged: The one stream that the decoder sees, (B, C, H, W); if the module was
            built with ``merges=True``.
        loss: A scalar that joins the training losses.
    """

    streams: Tensor
    merged: Tensor | None = None
    loss: Tensor | None = None


class Fusion(BaseModule):
    """Base of the modules that fuse the streams of a stage.

    There are two settings (Table 2). With ``merges=False``, that of CEN, all streams go
    on, and each is predicted from. With ``merges=True``, the common one, the decoder
    sees one merged stream, and so do the stages after the last fused one.

    A subclass is registered in ``mmseg.registry.MODELS`` and implements ``forward``.

    Args:
        channels: Channels C of one stream.
        num_modalities: Number of modalities M, at least 2.
        merges: Whether :attr:`Fused.merged` is asked for.

    Shape:
        - Input: streams, (B, M, C, H, W).
        - Output: :class:`Fused`.

    Raises:
        ValueError: An argument has no meaning for this fusion.
    """

    can_merge = True

    def __init__(
        self, channels: int, num_modalities: int = 2, merges: bool = False
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if num_modalities < 2:
            raise ValueError(
                f'{name} fuses at least 2 modalities, got num_modalities='
                f'{num_modalities}; leave `fusion` out of a unimodal network'
            )
        if merges and not self.can_merge:
            raise ValueError(
                f'{name} keeps all streams, there is no merged one; set merges=False '
                f'and predict from each, with an EnsembleHead'
            )
        self.channels = channels
        self.num_modalities = num_modalities
        self.merges = merges

    def forward(self, streams: Tensor) -> Fused:
        raise NotImplementedError


class JointFusion(Fusion):
    """A fusion by one block over all streams side by side, (B, M*C, H, W) -> C.

    Merging, it sees the streams in their order. If streams are kept, stream m becomes
    what the block returns of the streams m, m+1, ...: the block, shared, sees the own
    stream first, so that the streams stay different ones at the same parameters. Norms
    of the block are private to each modality then.
    """

    block: Any

    def forward(self, streams: Tensor) -> Fused:
        if self.merges:
            return Fused(streams, merged=self.block(streams.flatten(1, 2)))
        fused = self.block(own_first(streams))
        return Fused(fused.unflatten(0, streams.shape[:2]))


class MergingFusion(Fusion):
    """A fusion that is defined by its merged stream.

    If streams are kept, the merged stream is added to each of them.
    """

    def merge(self, streams: Tensor) -> Tensor:
        """(B, M, C, H, W) -> (B, C, H, W)."""
        raise NotImplementedError

    def forward(self, streams: Tensor) -> Fused:
        merged = self.merge(streams)
        if self.merges:
            return Fused(streams, merged)
        return Fused(streams + merged.unsqueeze(1))


def own_first(streams: Tensor) -> Tensor:
    """(B, M, C, ...) -> (B*M, M*C, ...), row m of the streams m, m+1, ..., m-1."""
    rolled = [streams.roll(-m, dims=1).flatten(1, 2) for m in range(streams.shape[1])]
    return torch.stack(rolled, dim=1).flatten(0, 1)
