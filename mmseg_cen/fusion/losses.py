"""Losses of fusion modules, carried by the features from a backbone to its head."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor


class FusedFeatures(tuple[Tensor, ...]):
    """The features of a network, which carry the losses of its fusion modules.

    A head takes the losses by :func:`pop_losses` and adds them to its own, once.
    """

    losses: dict[str, Tensor]

    def __new__(
        cls, feats: Sequence[Tensor], losses: dict[str, Tensor]
    ) -> 'FusedFeatures':
        """Of feature maps and named scalars."""
        self = super().__new__(cls, feats)
        self.losses = losses
        return self


def pop_losses(feats: Any) -> dict[str, Tensor]:
    """Take the losses that features carry; the next call finds none."""
    carried: dict[str, Tensor] = getattr(feats, 'losses', {})
    losses = dict(carried)
    carried.clear()
    return losses
