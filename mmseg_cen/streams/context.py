"""Layers that tell modalities apart on the batch axis, and what they are told of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from .presence import current_presence


class StreamAware(nn.Module):
    """A module that tells modalities apart on the batch axis, and checks that it can.

    Attributes:
        num_streams: B*M of the pass that runs, while it is known, see
            :func:`mmseg_cen.streams.context.streams_on_batch`.
        present: Which of these streams there are, (B, M); ``None``: all.
    """

    num_streams: int | None = None
    present: Tensor | None = None


@contextmanager
def streams_on_batch(
    module: nn.Module, num_streams: int, present: Tensor | None = None
) -> Iterator[None]:
    """Context in which private layers of ``module`` know the B*M streams of its input.

    They check that these are what they see on the batch axis, and exchange channels of
    those that are present.

    Args:
        module: What is about to run.
        num_streams: B*M.
        present: Presence (B, M); by default that of :func:`present_modalities`.

    Raises:
        ValueError: The mask is not of B*M streams.
    """
    present = current_presence() if present is None else present
    if present is not None and present.numel() != num_streams:
        raise ValueError(
            f'the presence of the modalities is given for {tuple(present.shape)} '
            f'(B, M) streams, but the input has B*M={num_streams}'
        )
    layers = [m for m in module.modules() if isinstance(m, StreamAware)]
    for layer in layers:
        layer.num_streams = num_streams
        layer.present = present
    try:
        yield
    finally:
        # Gradient checkpointing runs the layers again, after this: they keep the mask
        # until the next pass.
        for layer in layers:
            layer.num_streams = None
            layer.present = present if layer.training else None
