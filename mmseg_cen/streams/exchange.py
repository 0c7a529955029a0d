"""Channel exchange as pure functions: which channels, and what replaces them."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, get_args

import torch
from torch import Tensor

ExchangeScope = Literal['own', 'all']


def check_scope(scope: str) -> None:
    """Raise a ValueError unless ``scope`` is an :data:`ExchangeScope`."""
    if scope not in get_args(ExchangeScope):
        raise ValueError(
            f"the scope of the exchange must be 'own' (a modality gives away channels "
            f"of its own part only) or 'all' (any channel), got {scope!r}: choose one"
        )


def own_part(
    num_modalities: int, num_channels: int, device: torch.device | None = None
) -> Tensor:
    """Where modality m may give channels away: the m-th of M equal slices (Sec. 3.3).

    The parts are the slices of :func:`torch.tensor_split`: disjoint, and together all
    channels, so that no channel is driven to zero in every modality at once.

    Returns:
        Boolean mask of shape (M, C).
    """
    # Not divmod, which tensors do not have: torch.jit.trace makes them of sizes.
    size, remainder = num_channels // num_modalities, num_channels % num_modalities
    m = torch.arange(num_modalities + 1, device=device)
    bounds = m * size + m.clamp(max=remainder)
    channel = torch.arange(num_channels, device=device)
    return (bounds[:-1, None] <= channel) & (channel < bounds[1:, None])


def exchanged_channels(
    gamma: Tensor, threshold: float, scope: ExchangeScope = 'own'
) -> Tensor:
    r"""Channels that are replaced: :math:`|\gamma_{m,c}| < \theta`, within the scope.

    Args:
        gamma: Scaling factors, (M, C).
        threshold: Exchange threshold :math:`\theta`; 0 exchanges nothing.
        scope: ``'own'``: a modality gives away channels of its :func:`own_part` only;
            ``'all'``: of all its channels.

    Returns:
        Boolean mask of shape (M, C).
    """
    small = gamma.abs() < threshold
    if scope == 'all':
        return small
    M, C = gamma.shape
    return small & own_part(M, C, gamma.device)


def mean_of_others(x: Tensor, present: Tensor | None = None) -> Tensor:
    """Mean over the other modalities, the second line of Eq. 6; 0 if there are none.

    Args:
        x: Features, (B, M, C, ...).
        present: Which streams exist, bool (B, M); ``None``: all. The mean is over the
            existing ones.

    Returns:
        Features of the shape of ``x``.
    """
    num_modalities = x.shape[1]
    if num_modalities == 1:
        return torch.zeros_like(x)
    count: Tensor | int = num_modalities - 1
    if present is not None:
        exists = present.view(*present.shape, *[1] * (x.ndim - 2))
        x = torch.where(exists, x, 0)
        count = (exists.sum(1, keepdim=True) - exists.long()).clamp(min=1)
    others = torch.stack(sums_of_others(x.unbind(1)), dim=1)
    return others / count if num_modalities > 2 else others


def sums_of_others(streams: Sequence[Tensor]) -> list[Tensor]:
    """The sum of the other streams, for each of M >= 2 streams, in 3M additions.

    Unlike the sum of all less the stream, it is exact for two streams, and of finite
    numbers it is finite.
    """
    before = list(accumulate(streams[:-1]))
    after = list(accumulate(reversed(streams[1:])))[::-1]
    return [after[0], *map(torch.add, before[:-1], after[1:]), before[-1]]


def replace_channels(
    x: Tensor, replaced: Tensor, present: Tensor | None = None
) -> Tensor:
    """Replace some channels by :func:`mean_of_others`, where there are others.

    Gradients reach the modalities whose activations are used, never the replaced one.

    Args:
        x: Features, (B, M, C, ...).
        replaced: Which channels, bool (M, C).
        present: See :func:`mean_of_others`.

    Returns:
        Features of the shape of ``x``.
    """
    if x.shape[1] == 1:
        return x
    mask = over_features(replaced, x)
    if present is not None:
        has_others = present.sum(1, keepdim=True) > present.long()
        mask = mask & has_others.view(*present.shape, *[1] * (x.ndim - 2))
    return torch.where(mask, mean_of_others(x, present), x)


def over_features(values: Tensor, x: Tensor) -> Tensor:
    """View ``values`` (M, C) such that they broadcast over ``x`` (B, M, C, ...)."""
    return values.view(*values.shape, *[1] * (x.ndim - 3))


def exchange_channels(
    x: Tensor,
    gamma: Tensor,
    threshold: float,
    scope: ExchangeScope = 'own',
    present: Tensor | None = None,
) -> Tensor:
    r"""Replace each unimportant channel by its mean over the other modalities (Eq. 6).

    Gradients reach the modalities whose activations are used, never the replaced one.
    A single modality is returned as it is.

    Args:
        x: Normalized features, (B, M, C, ...).
        gamma: Scaling factors, (M, C).
        threshold: Exchange threshold :math:`\theta`; 0 exchanges nothing.
        scope: See :func:`exchanged_channels`.
        present: See :func:`mean_of_others`.

    Returns:
        Features of the shape of ``x``.
    """
    return replace_channels(x, exchanged_channels(gamma, threshold, scope), present)
