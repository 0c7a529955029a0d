"""Statistics of the pixels of many images, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Share of the pixels from which on a class outnumbers the others.
DOMINANT = 0.8

#: Names and weights of so many classes are written in a warning.
SHOWN = 20


@dataclass
class PixelStatistics:
    """Sums from which range, mean and deviation of each channel follow.

    The statistics of several images are the sum of the statistics of each.

    Args:
        pixels: Number of pixels.
        valid: Number of pixels that have data.
        sums: Sum of the valid values of each channel.
        squares: Sum of the squares of the valid values of each channel.
        low: Least valid value of each channel.
        high: Greatest valid value of each channel.
    """

    pixels: int
    valid: int
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, image: NDArray[Any], valid: NDArray[np.bool_]) -> 'PixelStatistics':
        """Statistics of an image (H, W[, C]) of which the mask (H, W) has data."""
        values = np.atleast_3d(image)[valid].astype(np.float64)
        return cls(
            valid.size,
            len(values),
            values.sum(axis=0),
            (values**2).sum(axis=0),
            values.min(axis=0, initial=np.inf),
            values.max(axis=0, initial=-np.inf),
        )

    def __add__(self, other: 'PixelStatistics') -> 'PixelStatistics':
        return PixelStatistics(
            self.pixels + other.pixels,
            self.valid + other.valid,
            self.sums + other.sums,
            self.squares + other.squares,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )

    def summary(self) -> dict[str, Any]:
        """``min``, ``max``, ``mean`` and ``std``, a list each, and ``no_data``.

        The lists are None if no pixel has data; ``no_data`` is the share of pixels
        without data.
        """
        summary: dict[str, Any] = dict(min=None, max=None, mean=None, std=None)
        if self.valid:
            mean = self.sums / self.valid
            variance = np.maximum(self.squares / self.valid - mean**2, 0)
            summary = dict(
                min=self.low.tolist(),
                max=self.high.tolist(),
                mean=mean.tolist(),
                std=np.sqrt(variance).tolist(),
            )
        return summary | dict(no_data=1 - self.valid / self.pixels)


@dataclass
class ClassStatistics:
    """How many pixels each of K classes has.

    The statistics of several images are the sum of the statistics of each. Where K is
    not known, each has as many classes as occur.

    Args:
        pixels: Number of pixels, void ones included.
        counts: Pixels of each class, (K,).
        surroundings: Pixels that have a class, of the images in which each class
            occurs, (K,).
    """

    pixels: int
    counts: NDArray[np.int64]
    surroundings: NDArray[np.int64]

    @classmethod
    def of(
        cls, label: NDArray[Any], num_classes: int, ignore: int
    ) -> 'ClassStatistics':
        """Statistics of the labels (H, W) of an image."""
        counts = np.bincount(label[label != ignore].ravel(), minlength=num_classes)
        return cls(label.size, counts, np.where(counts > 0, counts.sum(), 0))

    def __add__(self, other: 'ClassStatistics') -> 'ClassStatistics':
        most = max(len(self.counts), len(other.counts))
        return ClassStatistics(
            self.pixels + other.pixels,
            _extended(self.counts, most) + _extended(other.counts, most),
            _extended(self.surroundings, most) + _extended(other.surroundings, most),
        )

    def summary(self) -> dict[str, Any]:
        """``void``, ``frequency``, ``median_frequency_weight``, ``log_weight``.

        ``void`` is the share of pixels without a class; the others are a list each:

        - ``frequency``: share of the class in the pixels that have one;
        - ``median_frequency_weight``: median frequency / frequency, where frequency is
          measured in the images in which the class occurs (Eigen and Fergus, 2015);
        - ``log_weight``: 1 / log(1.02 + frequency) (ENet, 2016).

        A class that never occurs has weight 0: it is in no loss.
        """
        occurs = self.counts > 0
        frequency = self.counts / max(self.counts.sum(), 1)
        there = self.counts[occurs] / self.surroundings[occurs]
        balance = np.zeros(len(self.counts))
        balance[occurs] = np.median(there) / there if occurs.any() else 0
        log = np.where(occurs, 1 / np.log(1.02 + frequency), 0)
        return dict(
            void=1 - int(self.counts.sum()) / self.pixels,
            frequency=frequency.tolist(),
            median_frequency_weight=balance.tolist(),
            log_weight=log.tolist(),
        )

    def concerns(self, names: Sequence[str], weighted: bool = False) -> list[str]:
        """What may keep a network from learning some classes, in words.

        Args:
            names: Names of the classes.
            weighted: Whether a loss weighs the classes.
        """
        summary = self.summary()
        frequency = np.array(summary['frequency'])
        found = []
        if never := [names[k] for k in np.flatnonzero(frequency == 0).tolist()]:
            more = ', ...' if never[SHOWN:] else ''
            found.append(
                f'{len(never)} of {len(names)} classes do not occur '
                f'({", ".join(never[:SHOWN])}{more}): check `classes` and the labels'
            )
        most = int(frequency.argmax())
        if frequency[most] == 1:
            found.append(
                f'all pixels have the class {names[most]}, no other can be learned: '
                'check the labels'
            )
        elif frequency[most] >= DOMINANT and not weighted:
            weights = [float(f'{weight:.3g}') for weight in summary['log_weight']]
            offer = f'class_weight={weights}' if len(names) <= SHOWN else 'class_weight'
            found.append(
                f'{names[most]} has {frequency[most]:.1%} of the pixels, and a network '
                f'may predict nothing else: give {offer} to `loss_decode` of the heads '
                '(tools/analysis/dataset_stats.py measures the weights on all files)'
            )
        return found


def _extended(counts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.pad(counts, (0, length - len(counts)))
