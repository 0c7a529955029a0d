"""Running statistics of norm layers, of modalities that a whole batch lacks.

What then stands in for the modality is no data: its mean and variance must not enter
the statistics that a test uses.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, distributed, nn

STATISTICS = ('running_mean', 'running_var')


def seen_modalities(
    norms: Iterable[nn.Module], present: Tensor | None, num_modalities: int
) -> Tensor | None:
    """Mask (M,) of the modalities whose statistics a batch may update.

    Layers that are synchronized (SyncBN) mix the batches of all processes: there, all
    processes must have a modality, lest what stands in for it in one of them gets into
    the statistics of all. They agree by one message of M numbers.

    Args:
        norms: Norm layers that are about to run.
        present: Presence (B, M) in this process; ``None``: nothing is missing.
        num_modalities: Number of modalities M.

    Returns:
        ``None`` if all modalities are seen.
    """
    training = [norm for norm in norms if norm.training]
    if not training:
        return None
    seen = None if present is None else present.any(dim=0)
    together = synchronized(training)
    if together and distributed.is_available() and distributed.is_initialized():
        held = chain(together[0].parameters(), together[0].buffers())
        device = next(held).device
        seen = torch.ones(num_modalities, device=device) if seen is None else seen
        seen = seen.to(device, torch.float32)
        distributed.all_reduce(seen, op=distributed.ReduceOp.MIN)
        seen = seen > 0
    return None if seen is None or seen.all() else seen


def synchronized(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """Those that send messages to other processes while they run (SyncBN)."""
    return [m for m in modules if 'SyncBatchNorm' in type(m).__name__]


@contextmanager
def statistics_of_seen(
    norm: nn.Module, num_modalities: int, seen: Tensor | None
) -> Iterator[None]:
    """Context in which a layer updates the statistics of the seen modalities only.

    Args:
        norm: A norm layer over M*C channels.
        num_modalities: Number of modalities M.
        seen: See :func:`seen_modalities`.
    """
    found = [getattr(norm, name, None) for name in STATISTICS]
    buffers = [buffer for buffer in found if isinstance(buffer, Tensor)]
    if seen is None or not norm.training or not buffers:
        yield
        return
    before = [buffer.clone() for buffer in buffers]
    yield
    updates = seen.to(buffers[0].device).view(num_modalities, 1)
    for buffer, old in zip(buffers, before, strict=True):
        new = buffer.view(num_modalities, -1)
        kept = torch.where(updates, new, old.view(num_modalities, -1))
        # `data`, for autograd counts changes of buffers, though training reads none.
        buffer.data.copy_(kept.flatten())
