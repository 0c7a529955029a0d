"""The losses of fusion modules, on their way from the backbone to the decode head."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor


class CarriedLosses(dict[str, Tensor]):
    """Losses on their way; a copy of a network, with no step behind it, has none."""

    def __deepcopy__(self, memo: dict[int, Any]) -> 'CarriedLosses':
        return CarriedLosses()


class FusedFeatures(tuple[Tensor, ...]):
    """The features of a network, and the losses of its fusion modules.

    They travel with the features to :class:`EnsembleHead`, which puts them beside its
    own, once.
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
    """The losses that travel with features; the next call finds none."""
    travelling: dict[str, Tensor] = getattr(feats, 'losses', {})
    losses = dict(travelling)
    travelling.clear()
    return losses
