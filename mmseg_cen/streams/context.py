"""The context in which layers know which streams are on the batch axis."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from .presence import current_presence
from .running import seen_modalities


class StreamAware(nn.Module):
    """A module that tells modalities apart on the batch axis, and checks that it can.

    Attributes:
        num_streams: B*M within :func:`streams_on_batch`, else ``None``.
        present: Presence (B, M) of these streams; ``None``: all are there.
        seen: Mask (M,) of the modalities that update running statistics; ``None``: all
            do.
    """

    num_streams: int | None = None
    present: Tensor | None = None
    seen: Tensor | None = None


@contextmanager
def streams_on_batch(
    module: nn.Module, num_streams: int, present: Tensor | None = None
) -> Iterator[None]:
    """Context in which private layers of ``module`` know the B*M streams of its input.

    The layers check that the batch axis holds exactly these streams, and exchange
    channels of the present ones.

    Args:
        module: The module that is about to run.
        num_streams: Number of streams B*M on the batch axis.
        present: Presence (B, M); by default the mask of
            :func:`~mmseg_cen.streams.presence.present_modalities`.

    Raises:
        ValueError: If the mask is not of B*M streams.
    """
    present = current_presence() if present is None else present
    if present is not None and present.numel() != num_streams:
        raise ValueError(
            f'the presence (B, M) of the modalities must be of the B*M={num_streams} '
            f'streams of the input, got {tuple(present.shape)}: give a row for each '
            f'sample'
        )
    layers = [m for m in module.modules() if isinstance(m, StreamAware)]
    norms: list[Any] = [layer for layer in layers if hasattr(layer, 'norm')]
    seen = None
    if norms:
        M = norms[0].num_modalities
        seen = seen_modalities([layer.norm for layer in norms], present, M)
    for layer in layers:
        _tell(layer, num_streams, present, seen)
    try:
        yield
    finally:
        # Gradient checkpointing runs the layers again, after this context: while
        # training, they keep the mask until the next pass.
        for layer in layers:
            keeps = layer.training
            _tell(layer, None, present if keeps else None, seen if keeps else None)


def _tell(
    layer: StreamAware,
    num_streams: int | None,
    present: Tensor | None,
    seen: Tensor | None,
) -> None:
    # An attribute of a module is slow to set: most masks stay None.
    layer.num_streams = num_streams
    if layer.present is not present:
        layer.present = present
    if layer.seen is not seen:
        layer.seen = seen
