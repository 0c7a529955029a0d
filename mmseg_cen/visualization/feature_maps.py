"""Feature maps, averaged over channels that the same modalities keep (Fig. 3)."""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor


def kept_groups(
    chosen: Tensor, modalities: Sequence[str], fate: str = '~ 0'
) -> dict[str, Tensor]:
    r"""Group channels by the modalities that keep them.

    Args:
        chosen: Exchanged channels, which are not kept, bool (M, C); in the paper's
            exchange, :math:`|\gamma_m| < \theta`. See
            :meth:`mmseg_cen.models.Exchange.chosen`.
        modalities: Names.
        fate: How names of groups describe the modalities that do not keep the channels.

    Returns:
        Boolean masks (C,) by a name such as ``'depth kept, rgb ~ 0'``, groups that
        fewer modalities keep first. Channels that nobody keeps have no group.
    """
    kept = ~chosen
    groups = {}
    for pattern in sorted(product((False, True), repeat=len(modalities)), key=sum)[1:]:
        wanted = torch.tensor(pattern, device=chosen.device)
        yes = [m for m, keeps in zip(modalities, pattern, strict=True) if keeps]
        no = [m for m, keeps in zip(modalities, pattern, strict=True) if not keeps]
        name = f'{", ".join(yes)} kept' + (f', {", ".join(no)} {fate}' if no else '')
        groups[name] = (kept == wanted[:, None]).all(0)
    return groups


def averaged_maps(x: Tensor, groups: dict[str, Tensor]) -> dict[str, Tensor | None]:
    """Mean over the channels of each group, of every stream.

    Args:
        x: Normalized features before the exchange, (B, M, C, H, W).
        groups: Result of :func:`kept_groups`.

    Returns:
        Maps (B, M, H, W) by group; None for a group without channels.
    """
    return {
        name: x[:, :, mask].mean(2) if mask.any() else None
        for name, mask in groups.items()
    }
