"""Curves of the scalars that a training logged."""

import fnmatch
import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .figures import new_figure, to_picture

Curve = tuple[NDArray[np.floating], NDArray[np.floating]]


def read_scalars(work_dir: str | Path) -> dict[str, Curve]:
    """Read all scalars that mmengine's ``LocalVisBackend`` wrote in a work directory.

    The runs in it (``<time>/vis_data/scalars.json``) follow each other, as interrupted
    and resumed trainings do: where a later run logged a step again, its value counts.
    The last line of a run that was interrupted while writing it is left out. Seconds of
    an iteration of the validation are ``val/time`` and ``val/data_time``.

    Args:
        work_dir: Work directory, or one ``scalars.json``.

    Returns:
        Steps and values, in the order of the steps, by key.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If a line of a log is not a JSON object with a ``step``.
    """
    return collect(line for file in scalar_files(work_dir) for line in read_lines(file))


def scalar_files(work_dir: str | Path) -> list[Path]:
    """The logs of scalars in a work directory, the oldest first.

    Raises:
        FileNotFoundError: If there is none.
    """
    root = Path(work_dir)
    files = sorted(root.glob('*/vis_data/scalars.json'))
    if root.is_file() and root.suffix == '.json':
        files = [root]
    if not files:
        raise FileNotFoundError(
            f'`work_dir` must hold <time>/vis_data/scalars.json, got {root} without '
            f'one: give the work directory of a training whose visualizer has a '
            f'LocalVisBackend'
        )
    return files


def read_lines(file: Path) -> list[dict[str, Any]]:
    """What was logged, each time with its ``step``.

    Raises:
        ValueError: If a line is not a JSON object with a ``step``.
    """
    lines = file.read_text(encoding='utf-8', errors='replace').splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        try:
            scalars = json.loads(line)
            scalars['step']
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            if number == len(lines) and isinstance(error, json.JSONDecodeError):
                continue
            raise ValueError(
                f'each line of a log must be a JSON object with a `step`, got '
                f'{line[:80]!r} in {file}, line {number}: remove the line'
            ) from error
        found.append(scalars)
    return found


def collect(lines: Iterable[dict[str, Any]]) -> dict[str, Curve]:
    """Curves by key, of the lines of :func:`read_lines`; later lines count."""
    values: dict[str, dict[float, float]] = {}
    for scalars in lines:
        for key, value in scalars.items():
            if not isinstance(value, int | float) or key in ('epoch', 'iter', 'step'):
                continue
            is_duration = key in ('time', 'data_time') and 'iter' not in scalars
            name = f'val/{key}' if is_duration else key
            values.setdefault(name, {})[scalars['step']] = value
    return {
        key: (
            np.array(sorted(steps), float),
            np.array([steps[step] for step in sorted(steps)], float),
        )
        for key, steps in values.items()
    }


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

    The keys of a group share the part after the last slash or dot; losses share the
    first two words of it.
    """
    groups: dict[str, list[str]] = {}
    for key in keys:
        last = re.split('[/.]', key)[-1]
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
            marker = 'o' if len(steps) == 1 else None
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
