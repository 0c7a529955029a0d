"""The weight of the sparsity penalty that lets a given share of channels exchange."""

import math
from dataclasses import dataclass

from torch import Tensor

#: Share of the training after which the target is reached.
_RAMP = 0.5
#: A proportional and an integral gain, per training, on the logarithm of the weight.
#: They damp well (by 0.7) what is an integrator from weight to scaling factor.
_PROPORTIONAL, _INTEGRAL = 9.0, 80.0
#: A weight is not larger than moves a free scaling factor to zero in this share of a
#: training, nor smaller than does so in this many trainings.
_FASTEST, _SLOWEST = 0.05, 20.0


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
        weight: Lambda, first and now.
        integral: State: the part of the logarithm of lambda that grows and shrinks.
        start: State: the largest quantile until now.
        cutoff: State: the largest scaling factor that is still penalized.
    """

    target: float
    weight: float
    integral: float = math.nan
    start: float = 0.0
    cutoff: float = math.inf

    def __post_init__(self) -> None:
        if math.isnan(self.integral):
            self.integral = math.log(self.weight)

    def update(
        self,
        magnitudes: Tensor,
        threshold: float,
        begun: float,
        step: float,
        force: float,
        num_steps: int,
        exact: bool,
    ) -> None:
        """Choose lambda until the next update.

        Args:
            magnitudes: All penalized scaling factors, without signs.
            threshold: Exchange threshold.
            begun: Share of the training that is over.
            step: Share of the training between two updates.
            force: Lambda that moves a scaling factor by 1 in one iteration.
            num_steps: Iterations of the training.
            exact: Whether scaling factors stay where they arrive at zero, however far
                they move in one iteration.
        """
        count = max(1, math.ceil(self.target * magnitudes.numel()))
        quantile = float(magnitudes.kthvalue(count).values)
        self.start = max(self.start, quantile, threshold)
        if quantile < self.start / 2:
            self.cutoff = max(quantile, threshold)
        if quantile < threshold:
            self.weight = 0.0
            return
        line = self.start * max(0.0, 1 - begun / _RAMP)
        error = (quantile - line) / self.start
        fast = self.start / num_steps
        smallest = math.log(force * fast / _SLOWEST)
        landing = self.start if exact else threshold
        largest = math.log(force * max(fast / _FASTEST, landing))
        self.integral += _INTEGRAL * step * error
        self.integral = min(max(self.integral, smallest), largest)
        self.weight = math.exp(min(self.integral + _PROPORTIONAL * error, largest))
