"""Curves of one run, or of several beside each other."""

from collections.abc import Sequence

import numpy as np

from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.visualization.scalars import Curve

from .blocks import Block, Figure, Missing, Section, Table
from .plots import Series, line_plot
from .quantities import (
    BY_STAGE,
    WHOLE,
    Quantity,
    training_quantity,
    validation_quantity,
)
from .reading import Run

INK = -1
#: What shares of the streams mean.
SHARED = {
    'agreement': 'are of the same class in all streams',
    'oracle': 'are right in one stream at least',
}


def curve_sections(runs: Sequence[Run]) -> list[Section]:
    """Validations, losses, exchange and cost over time."""
    validations = _plots(runs, validated=True)
    training = _plots(runs, validated=False)
    without = [run.name for run in runs if not run.validations]
    blocks: list[Block] = []
    if len(runs) == 1 and runs[0].validations:
        blocks.append(_last_validation(runs[0]))
    if any(len(v) > 1 for run in runs for _, v in run.validations.values()):
        blocks += [figure for _, figure in validations]
    if without:
        who = '' if len(runs) == 1 else f' of {", ".join(without)}'
        blocks.append(
            Missing(f'No validation{who} has been logged yet, or the config has none.')
        )
    parts = (
        ('losses', 'Losses', 0, 20),
        ('exchange', 'Exchange and ensemble', 20, 30),
        ('cost', 'Learning rate and cost', 30, 100),
    )
    sections = [Section('validation', 'Validation', blocks)]
    for name, title, low, high in parts:
        shown = [figure for order, figure in training if low <= order < high]
        if shown:
            sections.append(Section(name, title, shown))
    return sections


def _last_validation(run: Run) -> Table:
    """Metrics of each output, or each group of samples, at the last validation."""
    rows: dict[str, dict[str, float]] = {}
    shared: dict[str, float] = {}
    last = max(steps[-1] for steps, _ in run.validations.values())
    for key, (steps, values) in run.validations.items():
        quantity, name = validation_quantity(key)
        # A resumed training may measure something else than before.
        if not quantity.title or steps[-1] < last:
            continue
        if key.startswith('streams/'):
            shared[name] = float(values[-1])
            continue
        row, _, metric = key.rpartition('/')
        rows.setdefault(row or ENSEMBLE, {})[metric] = float(values[-1])
    metrics = list(dict.fromkeys(metric for row in rows.values() for metric in row))
    words = '; '.join(
        f'{value:.1f} % {SHARED.get(n, n)}' for n, value in shared.items()
    )
    return Table(
        ['output', *metrics],
        [[name, *(row.get(m, np.nan) for m in metrics)] for name, row in rows.items()],
        f'Last validation, {run.unit} {last:g}',
        f'Of the labeled pixels: {words}.' if words else '',
        digits=4 if run.is_translation else 2,
        width='half',
    )


def _plots(runs: Sequence[Run], validated: bool) -> list[tuple[int, Figure]]:
    plots: dict[tuple[Quantity, str], list[Series]] = {}
    several = len(runs) > 1
    for number, run in enumerate(runs):
        curves = run.validations if validated else run.curves
        for key, curve in curves.items():
            find = validation_quantity if validated else training_quantity
            quantity, name = find(key)
            if not quantity.title or (several and quantity.order == BY_STAGE):
                continue
            series = _series(run, number, name, curve, several)
            plots.setdefault((quantity, name if several else ''), []).append(series)
    units = dict.fromkeys(run.unit if validated else 'iteration' for run in runs)
    found = []
    for (quantity, name), series in sorted(
        plots.items(), key=lambda item: (item[0][0].order, item[0][0].title)
    ):
        series = _colored(series, runs)
        if quantity.title == 'Learning rate' and not several:
            series = _without_base(series)
        body = line_plot(series, ' or '.join(units), quantity.y_range, quantity.log)
        legend = [(s.name, s.color) for s in series] if not several else []
        legend = legend if len(legend) > 1 else []
        title = f'{quantity.title}{f": {name}" if name not in WHOLE else ""}'
        found.append((quantity.order, Figure(body, title, legend)))
    return found


def _series(run: Run, number: int, name: str, curve: Curve, several: bool) -> Series:
    if several:
        return Series(run.name, *curve, color=number)
    return Series(name, *curve, color=color_of(run, name))


def color_of(run: Run, name: str) -> int:
    """The color of an output: the same on all plots; -2 for others."""
    if name == ENSEMBLE:
        return INK
    return run.outputs.index(name) if name in run.outputs else -2


def _colored(series: Sequence[Series], runs: Sequence[Run]) -> list[Series]:
    """Give colors to the curves that are none of an output."""
    if len(series) == 1 and len(runs) == 1:
        only = series[0]
        return [Series(only.name, only.x, only.y, 0)]
    free = iter(range(8))
    return [
        Series(s.name, s.x, s.y, s.color if s.color != -2 else next(free, 7))
        for s in series
    ]


def _without_base(series: Sequence[Series]) -> list[Series]:
    """One learning rate only, where mmengine logs the same one twice."""
    first = series[0]
    return [
        s
        for k, s in enumerate(series)
        if not k or len(s.y) != len(first.y) or (s.y != first.y).any()
    ]
