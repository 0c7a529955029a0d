"""Missing modalities: which streams take part, and what stands in for the rest.

The streams of a missing modality are computed like all others, but never used: the
exchange takes no channels from them, they have no loss, and no weight in the ensemble.
Whatever their inputs hold, NaN included, is overwritten where streams enter a network,
by :func:`fill_absent`; nothing behind it has to guard against them.

*Presence* is a boolean mask (B, M), True where a sample has a modality; ``None``: every
sample has all modalities.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

_PRESENT: ContextVar[Tensor | None] = ContextVar('present', default=None)


@contextmanager
def present_modalities(present: Tensor | None) -> Iterator[None]:
    """Context in which backbones and heads know the modalities that samples have.

    Args:
        present: Presence, (B, M); ``None``: nothing is missing.

    Raises:
        ValueError: If the mask is not boolean of shape (B, M).
    """
    if present is not None and (present.ndim != 2 or present.dtype != torch.bool):
        raise ValueError(
            f'`present` must be a boolean mask (B, M), got shape '
            f'{tuple(present.shape)} of {present.dtype}: give a row for each sample'
        )
    token = _PRESENT.set(present)
    try:
        yield
    finally:
        _PRESENT.reset(token)


def current_presence() -> Tensor | None:
    """The mask of the innermost :func:`present_modalities`."""
    return _PRESENT.get()


def presence_of(
    samples: Sequence[Any],
    modalities: Sequence[str],
    absent: Collection[str] = (),
    device: torch.device | str | None = None,
) -> Tensor | None:
    """Which modalities the samples of a batch have.

    Args:
        samples: Samples or their metainfo, where ``absent`` names missing modalities.
        modalities: Names of the streams, in order.
        absent: Names of modalities that are missing in all samples.
        device: Device of the mask.

    Returns:
        Presence (B, M), or ``None`` if no modality is missing.

    Raises:
        ValueError: If a name is unknown, or a sample has no modality at all.
    """
    missing = [{*absent, *(sample.get('absent') or ())} for sample in samples]
    for sample, names in zip(samples, missing, strict=True):
        if unknown := sorted(names - set(modalities)):
            raise ValueError(
                f'`absent` must name modalities out of {tuple(modalities)}, got '
                f'{unknown}: correct the names'
            )
        if len(names) == len(modalities):
            raise ValueError(
                f'a sample must have at least one of the modalities '
                f'{tuple(modalities)}, got none in '
                f'{sample.get("img_path") or "a sample"}: leave one out of `absent`'
            )
    if not any(missing):
        return None
    rows = [[name not in names for name in modalities] for names in missing]
    return torch.tensor(rows, device=device)


def check_absent(absent: Collection[str], modalities: Sequence[str]) -> None:
    """Raise a ValueError unless ``absent`` names some modalities, but not all."""
    if isinstance(absent, str):
        raise ValueError(
            f"`absent` must be a list of names, e.g. ('depth',), got {absent!r}: put "
            f'the name into a list'
        )
    presence_of([{}], modalities, absent)


def fill_absent(x: Tensor, present: Tensor, training: bool) -> Tensor:
    """Overwrite the inputs of absent streams, whatever they hold.

    During training an absent stream gets the input of the next sample in the batch that
    has the modality, so that batch statistics stay realistic. If there is no such
    sample, and in eval mode, it gets zeros.

    Args:
        x: Packed modalities, (B, M*C, H, W).
        present: Presence, (B, M).
        training: Whether batch statistics are in use.

    Returns:
        A tensor of the shape of ``x``.
    """
    B, M = present.shape
    x = x.unflatten(1, (M, -1))
    keep = present.view(B, M, 1, 1, 1)
    if training:
        # distance[m, a, b]: how far sample b is ahead of a, B if it lacks modality m.
        sample = torch.arange(B, device=x.device)
        ahead = (sample - sample[:, None]) % B
        distance = torch.where(present.T[:, None], ahead, B)
        donor = distance.argmin(dim=2).T
        x = x[donor, torch.arange(M, device=x.device)]
        keep = present.any(dim=0).view(M, 1, 1, 1)
    return torch.where(keep, x, torch.zeros((), dtype=x.dtype).to(x)).flatten(1, 2)


def ensemble_weights(alpha_logits: Tensor, present: Tensor) -> Tensor:
    r"""Softmax of the logits over the modalities that each sample has, (B, M).

    The weight of an absent modality is shared out among the others in proportion to
    their weights: :math:`\alpha_m / \sum_{n\ \mathrm{present}} \alpha_n`.
    """
    logits = alpha_logits.expand(len(present), -1)
    return logits.masked_fill(~present, -torch.inf).softmax(dim=1)
