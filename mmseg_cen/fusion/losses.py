"""Losses of fusion modules, carried by the features from a backbone to its head."""

from collections.abc import Sequence
from typing import Any

import torch
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


class UntakenLosses:
    """The losses that the features of the last training pass carry, until a head comes.

    Args:
        owner: What the losses are of, for the message.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._left: dict[str, Tensor] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The state of a copy, which no training pass precedes."""
        return {**self.__dict__, '_left': {}}

    def carried_by(self, feats: FusedFeatures) -> None:
        """Features of a pass, whose losses a head must take if it is of a training."""
        if torch.is_grad_enabled():
            self._left = feats.losses

    def check(self) -> None:
        """Raise a ValueError if nothing took the losses of the last training pass."""
        left, self._left = self._left, {}
        if left and torch.is_grad_enabled():
            raise ValueError(
                f'a head must take the losses of {self._owner} from the features, got '
                f'{[*left]} left from the last training step: choose EnsembleHead as '
                f'decode_head, and with a neck CENSegmentor as model, which take them'
            )
