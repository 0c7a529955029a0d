"""Two systems on the same images: the difference of their mIoU, and how sure it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .per_image import PerImage

Floats = NDArray[np.float64]
#: Resamples that are computed at a time.
_CHUNK = 500


@dataclass(frozen=True)
class Interval:
    """A value, and where it lies when other images of the same kind are drawn.

    What one image alone decides has no interval: no draw of it would differ.

    Args:
        value: On the images themselves.
        low: Lower end of the interval; NaN where there is none.
        high: Upper end.
        above: Share of the resamples in which it is above 0.
    """

    value: float
    low: float
    high: float
    above: float

    @property
    def is_clear(self) -> bool:
        """Whether 0 is outside of the interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Difference:
    """By how much the IoU of a system exceeds that of another, in percent points.

    Args:
        mean: Of the mean over all classes.
        counted: Of the mean over the classes that are chosen to count.
        classes: Of each class.
    """

    mean: Interval
    counted: Interval
    classes: list[Interval]


def iou(areas: NDArray[np.generic]) -> Floats:
    """IoU of each class in percent, (..., K); NaN of classes that do not occur.

    Args:
        areas: Pixels (..., 3, K) of intersection, prediction and label.
    """
    both, predicted, true = np.moveaxis(np.asarray(areas, np.float64), -2, 0)
    union = predicted + true - both
    return 100 * np.divide(both, union, np.full_like(both, np.nan), where=union > 0)


def mean_over_classes(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Mean of values (..., K) over the counted classes (K,) that have one, (...)."""
    return _mean_of_known(np.where(counted, values, np.nan), axis=-1)


def _mean_of_known(values: Floats, axis: int) -> Floats:
    """NumPy's ``nanmean``, without its warning where all values are NaN."""
    total, number = np.nansum(values, axis), (~np.isnan(values)).sum(axis)
    return np.divide(total, number, np.full_like(total, np.nan), where=number > 0)


def stacked(
    runs: Sequence[tuple[str, PerImage]],
    output: str,
    like: tuple[str, PerImage] | None = None,
) -> NDArray[np.int64]:
    """Areas (S, N, 3, K) of an output in several runs, images in the same order.

    Args:
        runs: Names and contents of files.
        output: A modality or ``'ensemble'``.
        like: A file whose images and classes all have; by default, the first one.

    Raises:
        ValueError: If the output is not in a file, or images, labels or classes are
            others than in ``like``.
    """
    first_name, first = like or runs[0]
    arrays = []
    for name, run in runs:
        if output not in run.areas:
            raise ValueError(
                f'`output` must be one of {[*run.areas]}, got {output!r}, which '
                f'{name} does not have: choose another'
            )
        if run.classes != first.classes:
            raise ValueError(
                f'runs must be of the same classes to be compared, got '
                f'{len(first.classes)} of {first_name} and {len(run.classes)} of '
                f'{name}, or in another order: test them on the same data'
            )
        if other := {*run.images} ^ {*first.images}:
            raise ValueError(
                f'runs must be of the same images to be compared, got {len(other)} '
                f'that only one of {first_name} and {name} has, such as '
                f'{min(other)!r}: test them on the same data'
            )
        place = {image: i for i, image in enumerate(run.images)}
        order = [place[image] for image in first.images]
        areas = run.areas[output][order]
        labels, known = areas[:, 2], _labels(first)
        # An image that lacks the modality of the output has no areas.
        wrong = (labels != known).any(1) & labels.any(1) & known.any(1)
        if wrong.any():
            raise ValueError(
                f'runs must be of the same labels to be compared, got others of '
                f'{first.images[wrong.argmax()]!r} in {first_name} and {name}: test '
                f'them at the same size, with the same ignored pixels'
            )
        arrays.append(areas)
    return np.stack(arrays)


def _labels(run: PerImage) -> NDArray[np.int64]:
    """Labeled pixels (N, K), of the last output, which is the ensemble."""
    return [*run.areas.values()][-1][:, 2]


def resampled(
    areas: NDArray[np.int64], resamples: int, seed: int
) -> Iterator[tuple[int, Floats]]:
    """Sums of areas over images that are drawn with replacement.

    The same seed draws the same images.

    Args:
        areas: Pixels (S, N, 3, K).
        resamples: Number of draws; in each, as many images as there are.
        seed: Seed of the draws.

    Yields:
        Number of the first draw of some, and their sums (R, S, 3, K).
    """
    S, N, _, K = areas.shape
    flat = np.moveaxis(areas, 1, 0).reshape(N, -1).astype(np.float64)
    draws = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        count = min(_CHUNK, resamples - start)
        drawn = draws.integers(0, N, (count, N)) + N * np.arange(count)[:, None]
        times = np.bincount(drawn.ravel(), minlength=count * N).reshape(count, N)
        yield start, (times.astype(np.float64) @ flat).reshape(count, S, 3, K)


def difference(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    counted: NDArray[np.bool_],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Difference:
    """How much better the second system is, with bootstrap intervals over the images.

    Images are drawn with replacement; areas are summed over them, and the mIoU of both
    systems is computed from the sums of the same draw. Runs of a system, which are of
    different seeds, are averaged within each draw.

    Args:
        first: Areas (S1, N, 3, K) of the runs of a system.
        second: Areas (S2, N, 3, K) of the runs of another one, on the same images.
        counted: Classes (K,) that count besides the mean over all of them.
        resamples: Number of draws.
        seed: Seed of the draws.
        level: Share of the draws within the interval.

    Raises:
        ValueError: If there are no images or draws, or the level is no share.
    """
    if resamples < 1 or not 0 < level < 1 or not first.shape[1]:
        raise ValueError(
            f'`resamples` must be at least 1, `level` in (0, 1), and images some, got '
            f'{resamples}, {level} and {first.shape[1]}: change them'
        )
    every = np.ones_like(counted)

    def values(areas: NDArray[np.generic]) -> Floats:
        """IoU (..., K + 2) of each class, and both means, from areas (..., S, 3, K)."""
        of_class = iou(areas)
        means = [mean_over_classes(of_class, which) for which in (every, counted)]
        both = np.concatenate([of_class, np.stack(means, -1)], -1)
        return _mean_of_known(both, axis=-2)  # of the runs

    found = values(second.sum(1)) - values(first.sum(1))
    drawn = np.empty((resamples, len(found)))
    draws = (resampled(areas, resamples, seed) for areas in (first, second))
    for (start, of_first), (_, of_second) in zip(*draws, strict=True):
        part = values(of_second) - values(of_first)
        drawn[start : start + len(part)] = part
    deciding = _deciding_images(first, second, counted)
    *classes, mean, of_counted = map(
        _interval, found, drawn.T, [level] * len(found), deciding
    )
    return Difference(mean, of_counted, classes)


def _deciding_images(
    first: NDArray[np.int64], second: NDArray[np.int64], counted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Numbers of images (K + 2,) on which each IoU, and then both means, depend."""
    occurs = np.any(first, axis=(0, 2)) | np.any(second, axis=(0, 2))  # (N, K)
    images = np.count_nonzero
    means = [images(occurs.any(1)), images(occurs[:, counted].any(1))]
    return np.array([*images(occurs, axis=0), *means])


def _interval(value: float, drawn: Floats, level: float, images: int) -> Interval:
    drawn = drawn[~np.isnan(drawn)]
    if images < 2 or not drawn.size:
        return Interval(float(value), float('nan'), float('nan'), float('nan'))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    above = float((drawn > 0).mean())
    return Interval(float(value), float(low), float(high), above)
