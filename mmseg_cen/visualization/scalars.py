"""The scalars that a training logged in its work directory."""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = tuple[NDArray[np.floating], NDArray[np.floating]]

#: What mmengine logs where a training resumes.
RESUMED = re.compile(r'resumed epoch: \d+, iter: (\d+)')


@dataclass(frozen=True)
class Start:
    """A start of a training: the first one, or one that resumed it.

    Args:
        folder: The folder ``<time>`` of its logs.
        lines: What it logged, but for what later starts went back behind.
    """

    folder: Path
    lines: tuple[dict[str, Any], ...]

    def until(self, iteration: float) -> 'Start':
        """This start as far as a later one, which resumed at an iteration, goes on."""
        kept = []
        done = 0
        for line in self.lines:
            # Validations, whose steps may be epochs, follow the iterations they are of.
            done = line.get('iter', done)
            if done <= iteration:
                kept.append(line)
        return replace(self, lines=tuple(kept) if iteration else ())


def read_scalars(work_dir: str | Path) -> dict[str, Curve]:
    """Read all scalars that mmengine's ``LocalVisBackend`` wrote in a work directory.

    They are those of :func:`read_starts`. Seconds of an iteration of the validation are
    ``val/time`` and ``val/data_time``.

    Args:
        work_dir: Work directory, or one ``scalars.json``.

    Returns:
        Steps and values, in the order of the steps, by key.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If a line of a log is not a JSON object with a ``step``.
    """
    return collect(line for start in read_starts(work_dir) for line in start.lines)


def read_starts(work_dir: str | Path) -> list[Start]:
    """The starts of the training in a work directory, in their order.

    A start takes the place of all that was logged after the iteration at which it
    resumed, which its log ``<time>/<time>.log`` tells. So one that began anew takes the
    place of all before it. Without that log, a start resumed just before the first
    iteration that it logged.

    Args:
        work_dir: Work directory, or one ``scalars.json``.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If a line of a log is not a JSON object with a ``step``.
    """
    starts: list[Start] = []
    for file in _files(Path(work_dir)):
        start = Start(file.parent.parent, tuple(_read_lines(file)))
        if start.lines:  # else, it changed nothing
            begin = _begin(start)
            starts = [before.until(begin) for before in starts]
            starts = starts if any(before.lines for before in starts) else []
        starts.append(start)
    return starts


def _files(root: Path) -> list[Path]:
    """The logs of scalars, the oldest first."""
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


def _read_lines(file: Path) -> list[dict[str, Any]]:
    """What was logged, but for a last line that an interruption cut off."""
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


def _begin(start: Start) -> float:
    """The iteration at which a start resumed; 0 if it began anew."""
    log = read_log(start.folder)
    if found := RESUMED.search(log):
        return int(found[1])
    if ' - INFO - ' in log:
        return 0
    logged = (line['iter'] - 1 for line in start.lines if 'iter' in line)
    return float(next(logged, math.inf))


def read_log(start: Path) -> str:
    """The log in words of a start, of the first process; empty where there is none."""
    # With log_level='DEBUG', each of several processes has a file of its own.
    logs = (start / f'{start.name}.log', *start.glob('*_rank0.log'))
    existing = (log for log in logs if log.is_file())
    log = next(existing, None)
    return log.read_text(encoding='utf-8', errors='replace') if log else ''


def collect(lines: Iterable[dict[str, Any]]) -> dict[str, Curve]:
    """Curves by key, of the lines of starts; where a step repeats, the later counts."""
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
