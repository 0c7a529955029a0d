"""The course of lambda over a training: warm-up and schedule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class WeightSchedule:
    """Factors on lambda over a training: a linear warm-up, times a schedule.

    Args:
        warmup_iters: Iterations over which lambda grows linearly from 0.
        schedule: Pairs of a share of the training, in [0, 1] and increasing, and a
            factor on lambda, between which it is interpolated.

    Raises:
        ValueError: If an argument is out of its range.
    """

    warmup_iters: int = 0
    schedule: Sequence[tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        iters = self.warmup_iters
        if not (isinstance(iters, int) and iters >= 0):
            raise ValueError(
                f'`warmup_iters` must be a number of iterations, at least 0, got '
                f'{iters!r}: set 0 for no warm-up'
            )
        if self.schedule is not None and not _is_schedule(self.schedule):
            raise ValueError(
                f'`schedule` must be a list of pairs of a share of the training, in '
                f'[0, 1] and increasing, and a factor that is not negative, got '
                f'{self.schedule}: write it like [(0, 1), (1, 0)], which fades lambda '
                f'out'
            )

    def weight(self, peak: float, iteration: int, progress: float = 0.0) -> float:
        """Lambda at an iteration.

        Args:
            peak: Lambda without warm-up and schedule.
            iteration: The iteration, counted from 0.
            progress: Share of the training that is over, in [0, 1].
        """
        weight = peak
        if iteration < self.warmup_iters:
            weight *= (iteration + 1) / self.warmup_iters
        if self.schedule is not None:
            shares, factors = zip(*self.schedule, strict=True)
            weight *= float(np.interp(progress, shares, factors))
        return weight


def is_finite_number(value: Any) -> bool:
    """Whether a value is an int or a float, and neither NaN nor infinite."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def _is_schedule(schedule: Any) -> bool:
    try:
        shares, factors = zip(*schedule, strict=True)
    except (TypeError, ValueError):  # not a sequence of pairs
        return False
    return (
        all(map(is_finite_number, shares + factors))
        and list(shares) == sorted(set(shares))
        and 0 <= shares[0] <= shares[-1] <= 1
        and min(factors) >= 0
    )
