"""The contract of fusion modules: streams in, streams out."""

from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor


class Fused(NamedTuple):
    """The output of a :class:`Fusion`.

    Attributes:
        streams: The streams for the next stage, (B, M, C, H, W).
        merged: The one stream for the decoder, (B, C, H, W), if the module was built
            with ``merges=True``.
        loss: A scalar that joins the training losses.
    """

    streams: Tensor
    merged: Tensor | None = None
    loss: Tensor | None = None


class Fusion(BaseModule):
    """Base of the modules that fuse the streams of a stage.

    There are two settings (Table 2). With ``merges=False``, as in CEN, all streams go
    on, and each has a prediction. With ``merges=True``, as commonly used, the decoder
    sees one merged stream, and so do the stages after the last fused one.

    A subclass is registered in ``mmseg.registry.MODELS`` and implements ``forward``.

    Args:
        channels: Channels C of one stream.
        num_modalities: Number of modalities M, at least 2.
        merges: Whether the module returns :attr:`Fused.merged`.

    Shape:
        - Input: streams, (B, M, C, H, W).
        - Output: :class:`Fused`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    can_merge = True

    def __init__(
        self, channels: int, num_modalities: int = 2, merges: bool = False
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if num_modalities < 2:
            raise ValueError(
                f'`num_modalities` of {name} must be at least 2, got '
                f'{num_modalities}: leave `fusion` out of a unimodal network'
            )
        if merges and not self.can_merge:
            raise ValueError(
                f'`merges` of {name}, which keeps all streams, must be False, got '
                f'True: set merges=False and predict from each, with an EnsembleHead'
            )
        self.channels = channels
        self.num_modalities = num_modalities
        self.merges = merges

    def forward(self, streams: Tensor) -> Fused:
        raise NotImplementedError


class JointFusion(Fusion):
    """A fusion by one block over all streams side by side, (B, M*C, H, W) -> C.

    With ``merges=True``, the block sees the streams in their order. If streams are
    kept, stream m becomes the output of the block for the streams m, m+1, ...: the
    shared block sees the own stream first, so that the streams stay different. Its
    norms are private to each modality then.
    """

    block: Any

    def forward(self, streams: Tensor) -> Fused:
        if self.merges:
            return Fused(streams, merged=self.block(streams.flatten(1, 2)))
        fused = self.block(own_first(streams))
        return Fused(fused.unflatten(0, streams.shape[:2]))


class MergingFusion(Fusion):
    """A fusion that computes a merged stream.

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


def check_fused(fused: Any, fusion: Fusion, streams: Tensor) -> None:
    """Raise a ValueError unless ``fused`` is what ``fusion`` has to return.

    Args:
        fused: The output of ``fusion``.
        fusion: A fusion module.
        streams: Its input, (B, M, C, H, W).
    """
    wanted = [tuple(streams.shape)] + [tuple(streams[:, 0].shape)] * fusion.merges
    parts = fused[: len(wanted)] if isinstance(fused, Fused) else [fused]
    got = [tuple(getattr(part, 'shape', ())) for part in parts]
    if not isinstance(fused, Fused) or got != wanted:
        raise ValueError(
            f'{type(fusion).__name__} with merges={fusion.merges} must return Fused of '
            f'streams and, merging, of a merged stream, of the shapes {wanted}, got '
            f'{type(fused).__name__} of {got}: set Fused.streams and, if it can merge, '
            f'Fused.merged, or can_merge = False'
        )


def own_first(streams: Tensor) -> Tensor:
    """(B, M, C, ...) -> (B*M, M*C, ...): row m has the streams m, m+1, ..., m-1."""
    rolled = [streams.roll(-m, dims=1).flatten(1, 2) for m in range(streams.shape[1])]
    return torch.stack(rolled, dim=1).flatten(0, 1)
