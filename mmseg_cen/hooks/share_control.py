"""The weight of the sparsity penalty that lets a given share of channels exchange."""

import math
from dataclasses import dataclass

from torch import Tensor

#: Share of the training after which the target is reached.
_RAMP = 0.5
#: A proportional and an integral gain, per training, on the logarithm of the weight.
#: They damp well (by 0.7) what is an integrator from weight to scaling factor.
_PROPORTIONAL, _INTEGRAL = 9.0, 80.0
#: No weight is larger than moves a scaling factor to zero in this share of a training.
_FASTEST = 0.05


@dataclass
class ShareControl:
    r"""Choose lambda such that a share of the channels is exchanged.

    How many scaling factors are below the threshold says nothing before the first one
    is. Followed is their quantile, that of the target share: it shall fall linearly
    and reach the threshold after half of the training. Lambda grows while the quantile
    is above this line, shrinks while it is below, and is 0 once the target is reached:
    the exchange is not given up again, as what is replaced has no gradient. So that
    not more channels arrive than shall, with the quantile half-way, :attr:`cutoff`
    spares those above it.

    Args:
        target: Share of the penalized channels, in (0, 1).
        weight: Lambda at the start.
        factor: State: what it is multiplied by.
        integral: State: the part of the logarithm of ``factor`` that grows and shrinks.
        start: State: the quantile at the start.
        cutoff: State: the largest scaling factor that is still penalized.
    """

    target: float
    weight: float
    factor: float = 1.0
    integral: float = 0.0
    start: float = 0.0
    cutoff: float = math.inf

    def update(
        self,
        magnitudes: Tensor,
        threshold: float,
        begun: float,
        step: float,
        fast: float,
    ) -> None:
        """Choose the factor until the next update.

        Args:
            magnitudes: All penalized scaling factors, without signs.
            threshold: Exchange threshold.
            begun: Share of the training that is over.
            step: Share of the training between two updates.
            fast: Lambda that moves a scaling factor by 1 in the whole training.
        """
        count = max(1, math.ceil(self.target * magnitudes.numel()))
        quantile = float(magnitudes.kthvalue(count).values)
        self.start = self.start or quantile
        if quantile < self.start / 2:
            self.cutoff = quantile
        if quantile < threshold:
            self.factor = 0.0
            return
        line = self.start * max(0.0, 1 - begun / _RAMP)
        error = (quantile - line) / self.start
        largest = math.log(fast * self.start / _FASTEST / self.weight)
        self.integral = min(self.integral + _INTEGRAL * step * error, largest)
        exponent = min(self.integral + _PROPORTIONAL * error, largest)
        self.factor = math.exp(exponent)
