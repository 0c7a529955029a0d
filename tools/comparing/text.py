"""Comparisons of systems as tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.metrics import Difference, Interval, difference, stacked
from mmseg_cen.streams.fold import ENSEMBLE

from .systems import System, spread


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are computed.

    Args:
        resamples: Number of draws of the images.
        seed: Seed of the draws.
        level: Share of the draws within an interval.
    """

    resamples: int = 10_000
    seed: int = 0
    level: float = 0.95

    def __str__(self) -> str:
        return (
            f'{100 * self.level:g} % intervals of {self.resamples} resamples of the '
            f'images, seed {self.seed}'
        )

    def between(
        self, first: System, second: System, counted: NDArray[np.bool_]
    ) -> Difference:
        """By how much the second system is better than the first one.

        Raises:
            ValueError: If systems are of other images, or none has both outputs.
        """
        areas, kept = _with_both(first, second)
        if not kept.any():
            raise ValueError(
                f'some images must have the modalities of both outputs, got none with '
                f'{first.output!r} of {first.name} and {second.output!r} of '
                f'{second.name}: compare others'
            )
        options = dict(resamples=self.resamples, seed=self.seed, level=self.level)
        return difference(*(a[:, kept] for a in areas), counted, **options)


def _with_both(
    first: System, second: System
) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Areas (S, N, 3, K) of two outputs, and the images (N,) that lack none of them."""
    like = first.files[0]
    areas = [stacked(s.files, s.output, like) for s in (first, second)]
    measured = [part[:, :, 2].any(-1).all(0) for part in areas]
    labeled = stacked(first.files, ENSEMBLE)[0, :, 2].any(-1)
    return areas, ~labeled | (measured[0] & measured[1])


def of_lacking(first: System, second: System) -> str:
    """Over how many images a difference is, in words; empty if over all."""
    _, kept = _with_both(first, second)
    if kept.all():
        return ''
    return (
        f'{second.name} - {first.name} is over the {kept.sum()} of {len(kept)} images '
        f'that have the modalities of both.'
    )


def points(interval: Interval) -> str:
    """A difference in percent points, bold if 0 is outside of its interval."""
    if np.isnan(interval.value):
        return ''
    value = f'{interval.value:+.1f}'
    if np.isnan(interval.low):
        return value
    return (
        f'{f"**{value}**" if interval.is_clear else value} '
        f'[{interval.low:+.1f}, {interval.high:+.1f}]'
    )


def over(counted: NDArray[np.bool_]) -> str:
    """Over how many classes a mean is, in words."""
    return f'mIoU of {counted.sum()}'


def of_systems(
    systems: Sequence[System], counted: NDArray[np.bool_]
) -> list[list[str]]:
    """The mIoU of the outputs of each system, and their agreement; header first."""
    outputs = dict.fromkeys(name for s in systems for name in s.first.areas)
    outputs = [*(name for name in outputs if name != ENSEMBLE), ENSEMBLE]
    part = [] if counted.all() else [over(counted)]
    lines = [['system', *outputs, *part, 'agreement', 'oracle', 'runs']]
    for system in systems:
        line = [system.name, *(spread(system.means(name)) for name in outputs)]
        line += [spread(system.means(system.output, counted)) for _ in part]
        line += [spread(system.shares(name)) for name in ('agreement', 'oracle')]
        lines.append([*line, str(len(system.files))])
    return lines


def of_differences(
    base: System,
    others: Sequence[tuple[System, Difference]],
    counted: NDArray[np.bool_],
) -> list[list[str]]:
    """By how much systems are better than one of them; header first."""
    part = [] if counted.all() else [over(counted)]
    header = [f'minus {base.name}', 'mIoU', *part, 'better in']
    return [header] + [
        [
            system.name,
            points(found.mean),
            *(points(found.counted) for _ in part),
            _share_above(found.mean),
        ]
        for system, found in others
    ]


def _share_above(interval: Interval) -> str:
    """In how many resamples a difference is above 0; empty without an interval."""
    if np.isnan(interval.above):
        return ''
    return f'{interval.above:.1%} of the resamples'


def of_classes(
    systems: Sequence[System], differences: Sequence[tuple[str, Difference]]
) -> list[list[str]]:
    """IoU of each class, header first; the classes that gain most come first.

    Args:
        systems: The systems, the first of which has the labels.
        differences: Names and values of differences; the first one sorts the classes.
    """
    first = systems[0].first
    labels = [*first.areas.values()][-1][:, 2].sum(0)
    gains = [interval.value for interval in differences[0][1].classes]
    order = sorted(range(len(gains)), key=lambda k: -np.nan_to_num(gains[k], nan=-1e9))
    names = [name for name, _ in differences]
    lines = [['class', 'pixels', *(s.name for s in systems), *names]]
    for k in order:
        line = [first.classes[k], f'{labels[k] / labels.sum():.1%}']
        line += [_value(system.classes[:, k]) for system in systems]
        line += [points(found.classes[k]) for _, found in differences]
        lines.append(line)
    return lines


def _value(values: NDArray[np.float64]) -> str:
    known = values[~np.isnan(values)]
    return f'{known.mean():.1f}' if known.size else ''
