"""Curves of the scalars that a training logged."""

import fnmatch
import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .figures import new_figure, to_picture
from .scalars import Curve

#: First parts of the keys of a translation that name no output: errors in the unit of
#: the target, and FID and KID by the protocol of the released code.
APART = ('physical', 'released')


def select(keys: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """The keys that match one of the patterns (``loss*``, ``*/MAE``), in order.

    Raises:
        ValueError: If a pattern matches none.
    """
    keys = list(keys)
    for pattern in patterns:
        if not fnmatch.filter(keys, pattern):
            raise ValueError(
                f'`patterns` must match keys, got {pattern!r}, which matches none of '
                f'the keys {sorted(keys)}: choose among these'
            )
    return [k for k in keys if any(fnmatch.fnmatchcase(k, p) for p in patterns)]


def smooth(values: NDArray[np.floating], window: int) -> NDArray[np.floating]:
    """The mean of each value and of at most ``window - 1`` before it.

    Values that are not finite are left out; the mean of no value is NaN.
    """
    known = np.isfinite(values)
    sums = np.cumsum(np.insert(np.where(known, values, 0.0), 0, 0.0))
    counts = np.cumsum(np.insert(known.astype(float), 0, 0.0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    with np.errstate(invalid='ignore', divide='ignore'):
        means: NDArray[np.floating] = (sums[ends] - sums[starts]) / (
            counts[ends] - counts[starts]
        )
    return means


def group_by_quantity(keys: Iterable[str]) -> dict[str, list[str]]:
    """Group keys that belong in one panel: ``MAE``, ``rgb/MAE``; ``loss_l1_rgb``, ….

    The keys of a group share the part after the last slash or dot, and the first one if
    it is :data:`APART`; losses share the first two words of it.
    """
    groups: dict[str, list[str]] = {}
    for key in keys:
        first, last = key.split('/')[0], re.split('[/.]', key)[-1]
        if first in APART:  # in another unit
            last = f'{first}/{last}'
        if last.startswith('loss_'):
            last = '_'.join(last.split('_')[:2])
        groups.setdefault(last, []).append(key)
    return groups


def draw_curves(
    curves: dict[str, Curve], window: int = 1, title: str = ''
) -> NDArray[np.uint8]:
    """Draw curves, a panel for each quantity.

    Args:
        curves: Steps and values by key.
        window: Number of values that are averaged, see :func:`smooth`; the logged
            values stand faintly behind.
        title: Title above all panels.

    Returns:
        (H, W, 3) uint8, RGB.
    """
    groups = group_by_quantity(curves)
    columns = min(len(groups), 3)
    rows = math.ceil(len(groups) / columns)
    figure = new_figure(4.2 * columns, 3.0 * rows, 100, 'constrained')
    for place, (quantity, keys) in enumerate(groups.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        axes.set_title(quantity, fontsize=10, loc='left', fontweight='bold')
        for key in keys:
            steps, values = curves[key]
            # A single point would be an invisible line.
            marker = 'o' if np.isfinite(values).sum() == 1 else None
            (line,) = axes.plot(
                steps, smooth(values, window), label=key, marker=marker, linewidth=1.5
            )
            if window > 1:
                axes.plot(steps, values, color=line.get_color(), alpha=0.25, lw=0.8)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=8)
        axes.set_xlabel('step', fontsize=8)
        if keys != [quantity]:
            axes.legend(fontsize=7)
    if title:
        figure.suptitle(title, fontsize=11)
    return to_picture(figure)
