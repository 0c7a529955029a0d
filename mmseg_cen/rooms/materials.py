"""Materials: patterns in space that mix two colors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .scene import Array


@dataclass(frozen=True)
class Material:
    """A pattern that mixes two colors.

    Args:
        pattern: Maps points (N, 3), meters, to weights (N,) in [0, 1].
        colors: RGB in [0, 1] where the weight is 0, and where it is 1.
    """

    pattern: Callable[[Array], Array]
    colors: tuple[tuple[float, float, float], tuple[float, float, float]]

    def albedo(self, points: Array) -> Array:
        """RGB (N, 3) at points (N, 3)."""
        first, second = np.array(self.colors)
        return first + self.pattern(points)[:, None] * (second - first)


def _stripes(x: float, y: float, z: float) -> Callable[[Array], Array]:
    """Soft stripes with (x, y, z) periods per meter."""
    return lambda points: 0.5 + 0.5 * np.sin(points @ (2 * np.pi * np.array([x, y, z])))


def _blobs(period: float) -> Callable[[Array], Array]:
    """Soft blobs on a lattice, ``period`` in meters."""
    return lambda points: 0.5 + 0.5 * np.cos(2 * np.pi / period * points).prod(axis=1)


def _checks(side: float) -> Callable[[Array], Array]:
    """Cubes of alternating colors, ``side`` in meters."""
    return lambda points: np.floor(points / side).sum(axis=1) % 2


MATERIALS = {
    'plaster': Material(_stripes(0, 0.25, 0), ((0.72, 0.70, 0.62), (0.82, 0.80, 0.72))),
    'planks': Material(_stripes(2.5, 0, 0), ((0.50, 0.40, 0.31), (0.62, 0.52, 0.42))),
    'whitewash': Material(
        _stripes(0, 0, 0.2), ((0.84, 0.86, 0.88), (0.92, 0.94, 0.95))
    ),
    'lacquer': Material(_blobs(0.5), ((0.42, 0.25, 0.55), (0.72, 0.55, 0.80))),
    'weave': Material(_stripes(2.5, 0, 2.5), ((0.62, 0.18, 0.20), (0.85, 0.55, 0.45))),
    'timber': Material(_stripes(1, 3.3, 0), ((0.55, 0.35, 0.15), (0.85, 0.62, 0.30))),
    'fabric': Material(_checks(0.2), ((0.15, 0.40, 0.55), (0.35, 0.65, 0.75))),
    'brass': Material(_stripes(0, 4, 0), ((0.65, 0.60, 0.10), (0.95, 0.90, 0.35))),
    'jade': Material(_blobs(0.4), ((0.10, 0.40, 0.25), (0.30, 0.70, 0.45))),
    'paper': Material(_stripes(0, 4, 0), ((0.95, 0.60, 0.70), (0.98, 0.92, 0.92))),
    'rubber': Material(_checks(0.25), ((0.15, 0.15, 0.20), (0.35, 0.35, 0.42))),
}
