"""Streams that exchange within groups only: among tasks, or among modalities."""

from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import Tensor

from .exchange import ExchangeScope, mean_of_others, over_features
from .exchanges import ChannelExchange


def mean_of_partners(
    x: Tensor, groups: Sequence[Sequence[int]], present: Tensor | None = None
) -> Tensor:
    """Mean over the other streams of the same group; 0 if there are none.

    Args:
        x: Features, (B, M, C, ...).
        groups: Numbers of the streams in each group; each stream is in one.
        present: Which streams exist, bool (B, M); ``None``: all. The mean is over the
            existing ones.

    Returns:
        Features of the shape of ``x``.
    """
    means = [
        mean_of_others(
            x[:, [*group]], None if present is None else present[:, [*group]]
        )
        for group in groups
    ]
    order = torch.tensor([m for group in groups for m in group], device=x.device)
    return torch.cat(means, dim=1)[:, order.argsort()]


def have_partners(
    groups: Sequence[Sequence[int]], num_streams: int, present: Tensor | None = None
) -> Tensor:
    """Whether another stream of the group exists, bool (B, M), or (1, M).

    Args:
        groups: See :func:`mean_of_partners`.
        num_streams: Number of streams M.
        present: See :func:`mean_of_partners`.
    """
    if present is None:
        present = torch.ones(1, num_streams, dtype=torch.bool)
    found = torch.zeros_like(present)
    for group in groups:
        members = present[:, [*group]]
        found[:, [*group]] = members.sum(1, keepdim=True) > members.long()
    return found


@MODELS.register_module()
class GroupedExchange(ChannelExchange):
    """The exchange of the paper, in which the mean is over the own group (Eq. 6).

    A single group is :class:`ChannelExchange`. A stream without a partner gives no
    channel away. Own parts are the slices among all M streams, so that they are
    disjoint within each group, too.

    Args:
        groups: Numbers of the streams in each group, from 0 on; each stream is in one.
        threshold: As of :class:`ChannelExchange`.
        scope: As of :class:`ChannelExchange`.

    Raises:
        ValueError: If a layer has other streams than the groups, or an argument is out
            of its range.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[int]],
        threshold: float = 2e-2,
        scope: ExchangeScope = 'own',
    ) -> None:
        super().__init__(threshold, scope)
        self.groups = tuple(tuple(group) for group in groups)
        self.alone = tuple(group[0] for group in self.groups if len(group) == 1)

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        """Check the groups, and do as the parent.

        Raises:
            ValueError: If the groups are not of these streams.
        """
        members = sorted(m for group in self.groups for m in group)
        if members != [*range(num_modalities)] or not all(self.groups):
            raise ValueError(
                f'`groups` must have each of the streams 0 to {num_modalities - 1} '
                f'once, got {self.groups}: name each in one group, and leave out empty '
                f'groups'
            )
        super().prepare(num_modalities, num_channels, place)

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        if not self.threshold:
            return x
        others = have_partners(self.groups, x.shape[1], present).to(x.device)
        others = others.view(*others.shape, *[1] * (x.ndim - 2))
        replaced = over_features(self.replaced(gamma), x) & others
        return torch.where(replaced, mean_of_partners(x, self.groups, present), x)

    def extra_repr(self) -> str:
        return f'groups={self.groups}, {super().extra_repr()}'
