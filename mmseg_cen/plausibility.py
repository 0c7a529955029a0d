"""Whether stored depth can be what it is taken for: meters, by its unit.

A wrong unit trains without an error, and worse. What is said here is a question to a
person who knows the camera; data sets, converters and encodings ask the same ones.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Meters between which the median depth lies of rooms, of streets, of any scene.
ROOMS = (0.7, 8.0)
STREETS = (4.0, 100.0)
ANYWHERE = (0.1, 200.0)
#: Units of common files, in meters: the first that fits is proposed.
UNITS = (1e-3, 1 / 5000, 1.0, 1e-2, 1e-4, 1 / 256)
# Fewer different values are a drawing, in which any number may divide all.
LEAST_LEVELS = 8
# Shares of the pixels, above which something is not by chance.
FEW, MOST = 1e-3, 0.9


@dataclass(frozen=True)
class DepthSummary:
    """What is counted of stored depth; summaries of images add up.

    Args:
        dtype: Type of the stored values.
        medians: Median of the valid values of each image that has any.
        images: Number of images.
        valid: Number of valid pixels.
        negative: How many of them are negative.
        highest: Highest stored value.
        at_highest: How many pixels have it.
        second: Highest value below it; 0 if there is none.
        multiples: How many valid pixels are multiples of 8, 16, 5 and 10.
        levels: Least number of different values.
    """

    dtype: str
    medians: tuple[float, ...] = ()
    images: int = 0
    valid: int = 0
    negative: int = 0
    highest: float = 0.0
    at_highest: int = 0
    second: float = 0.0
    multiples: tuple[int, int, int, int] = (0, 0, 0, 0)
    levels: int = 0

    @classmethod
    def of(cls, stored: NDArray[Any], valid: NDArray[np.bool_]) -> 'DepthSummary':
        """Summary of an image (H, W), of which the mask (H, W) has depth."""
        values = stored[valid]
        dtype = str(stored.dtype)
        if not values.size:
            return cls(dtype, images=1)
        levels, counts = _histogram(values)
        integers = levels.dtype.kind in 'ui'
        return cls(
            dtype,
            medians=(float(np.median(values)),),
            images=1,
            valid=values.size,
            negative=int(counts[levels < 0].sum()),
            highest=float(levels[-1]),
            at_highest=int(counts[-1]),
            second=float(levels[-2]) if len(levels) > 1 else 0.0,
            multiples=tuple(
                int(counts[levels % n == 0].sum()) if integers else 0
                for n in (8, 16, 5, 10)
            ),  # type: ignore[arg-type]
            levels=len(levels),
        )

    def as_dict(self) -> dict[str, Any]:
        """The summary of an image with depth as JSON stores it; {} without depth."""
        return asdict(self) if self.valid else {}

    def __add__(self, other: 'DepthSummary') -> 'DepthSummary':
        highest = max(self.highest, other.highest)
        tops = {self.highest, self.second, other.highest, other.second} - {highest}
        return DepthSummary(
            other.dtype,
            medians=(*self.medians, *other.medians),
            images=self.images + other.images,
            valid=self.valid + other.valid,
            negative=self.negative + other.negative,
            highest=highest,
            at_highest=sum(
                one.at_highest for one in (self, other) if one.highest == highest
            ),
            second=max(tops, default=0.0),
            multiples=tuple(  # type: ignore[arg-type]
                a + b for a, b in zip(self.multiples, other.multiples, strict=True)
            ),
            levels=max(self.levels, other.levels),
        )


def _histogram(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values that occur, in order, and how often; fast for those of most cameras."""
    if values.dtype not in (np.uint8, np.uint16):
        return np.unique(values, return_counts=True)
    counts = np.bincount(values)
    levels = np.flatnonzero(counts)
    return levels, counts[levels]


def doubts(
    summary: DepthSummary,
    unit: float,
    plausible: Sequence[float] = ROOMS,
) -> dict[str, str]:
    """Questions about depth that is taken for meters, under a word for each.

    Args:
        summary: The stored depth.
        unit: Meters per stored unit.
        plausible: Least and greatest median depth that needs no question, meters.
    """
    if not summary.valid:
        return dict(empty='no pixel is valid') if summary.images else {}
    found: dict[str, str] = {}
    share = summary.at_highest / summary.valid
    is_limit = (
        np.dtype(summary.dtype).kind in 'ui'
        and summary.highest == np.iinfo(summary.dtype).max
    )
    is_apart = summary.second > 0 and summary.highest > 2 * summary.second
    if share > FEW and (is_limit or (is_apart and summary.levels >= LEAST_LEVELS)):
        found['saturated'] = (
            f'{share:.1%} of the pixels have the largest value, {summary.highest:g}: '
            f'if that means no depth, say so (invalid={summary.highest:g}, for own '
            f'data --depth-invalid {summary.highest:g}); if depth is cut off there, '
            'store it in a coarser unit'
        )
    if summary.negative:
        found['negative'] = (
            f'{summary.negative / summary.valid:.1%} of the pixels are negative: if '
            "that means no depth, say so (invalid='-inf..0')"
        )
    if summary.dtype == 'uint8' and (unit >= 1 or 255 * unit < 1):
        found['picture'] = (
            'it is stored in 8 bits, as pictures of depth are, whose gray values are '
            f'no steps of {unit:g} m: give the unit of one gray value'
        )
    found |= _multiples(summary, unit)
    median = float(np.median(summary.medians)) * unit
    low, high = plausible
    explained = found.keys() & {'picture', 'rotated', 'five'}
    if not low <= median <= high and not explained:
        found['unit'] = (
            f'half of it is nearer than {median:.3g} m, by its unit of {unit:g} m, '
            f'where {low:g} to {high:g} m are expected: ' + _advice(median / unit, unit)
        )
    return found


def _advice(median: float, unit: float) -> str:
    """What to do about a median, in stored units, that is not where it should be."""
    others = (
        f'a unit of {u:g} m would make it {median * u:.3g} m'
        for u in UNITS
        if ROOMS[0] <= median * u <= ROOMS[1] and abs(u / unit - 1) > 0.01
    )
    proposal = next(others, '')
    if not ANYWHERE[0] <= median * unit <= ANYWHERE[1]:
        return f'correct the unit{proposal and f", {proposal}"}'
    return (
        f'is the unit right{proposal and f" ({proposal})"}? Of scenes other than rooms '
        'it may be'
    )


def _multiples(summary: DepthSummary, unit: float) -> dict[str, str]:
    """Questions about values that have a common divisor."""
    eights, sixteens, fives, tens = (n / summary.valid for n in summary.multiples)
    if summary.levels < LEAST_LEVELS:
        return {}
    if eights > MOST > sixteens and abs(8 * unit - 1e-3) > 1e-6:
        return dict(
            rotated=f'{eights:.0%} of the stored values are multiples of 8, as in the '
            'files of SUN RGB-D, whose bits are rotated by three: decode them with '
            'tools/dataset_converters/sunrgbd.py, or divide the unit by 8'
        )
    if fives > MOST > tens and abs(5 * unit - 1e-3) > 1e-6:
        return dict(
            five=f'{fives:.0%} of the stored values are multiples of 5, as millimeters '
            'are in fifths of a millimeter: is the unit 0.0002 m?'
        )
    return {}
