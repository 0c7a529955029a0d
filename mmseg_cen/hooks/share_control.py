"""Control of the sparsity weight, so that a given share of channels is exchanged."""

import math
from dataclasses import dataclass

from torch import Tensor

from .weight_schedule import is_finite_number

#: Share of the training after which the target is reached.
_RAMP = 0.5
#: A proportional and an integral gain, per training, on the logarithm of the weight.
#: From weight to scaling factor a training integrates; these gains damp by 0.7.
_PROPORTIONAL, _INTEGRAL = 9.0, 80.0
#: The largest weight moves a free scaling factor to zero in this share of a training;
#: the smallest does so in this many trainings.
_FASTEST, _SLOWEST = 0.05, 20.0


def check_target(target: float, weight: float) -> None:
    """Check what a :class:`ShareControl` begins with.

    Args:
        target: Share of the penalized channels.
        weight: First lambda.

    Raises:
        ValueError: If the target is outside (0, 1) or the weight is 0.
    """
    if not (is_finite_number(target) and 0 < target < 1):
        raise ValueError(
            f'`target_share` must be a share of the own parts, in (0, 1), got '
            f'{target!r}: set 0.5 to exchange half of what may be exchanged'
        )
    if not weight:
        raise ValueError(
            f'`sparsity_weight` must be positive with target_share, whose control '
            f'begins with this lambda and multiplies it, got {weight!r}: leave it out'
        )


@dataclass
class ShareControl:
    r"""Choose lambda such that a share of the channels is exchanged.

    The number of scaling factors below the threshold says nothing before the first one
    is there. The control follows a quantile of the factors instead, at the target
    share: it shall fall linearly and reach the threshold after half of the training.
    Lambda grows while the quantile is above this line, shrinks while it is below, and
    is 0 once the target is reached: the exchange is not given up again, because a
    replaced channel has no gradient. Once the quantile is half-way, factors larger than
    :attr:`cutoff` are no longer penalized, so that the target is not overshot.

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
            exact: Whether scaling factors that reach zero stay there, however far one
                iteration moves them.
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
