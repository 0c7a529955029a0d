"""A table of systems that are compared with one of them, image by image."""

from collections.abc import Sequence

import numpy as np
from benchmarking.networks import network_of, packed_channels
from benchmarking.operations import count_parts
from comparing.labels import untrained_classes
from comparing.systems import System, chosen, spread
from comparing.text import Bootstrap, of_classes, over, points
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from numpy.typing import NDArray

from mmseg_cen.metrics import Difference, Interval
from mmseg_cen.streams.fold import ENSEMBLE

from .images import images_of
from .printing import markdown
from .row import Table
from .runs import Run, run_config


class Differences:
    """Differences of pairs of systems, each of which is computed once.

    Args:
        systems: The systems by name of their rows.
        left_out: Classes that the second mean is without.
    """

    def __init__(self, systems: dict[str, System], left_out: Sequence[str]) -> None:
        self.systems = systems
        self.bootstrap = Bootstrap()
        (first, *_) = systems.values()
        self.counted: NDArray[np.bool_] = chosen(first.first.classes, left_out)
        self._known: dict[tuple[str, str], Difference] = {}

    def __call__(self, better: str, worse: str) -> Difference:
        """By how much a system is better than another one."""
        if (better, worse) not in self._known:
            pair = self.systems[worse], self.systems[better]
            self._known[better, worse] = self.bootstrap.between(*pair, self.counted)
        return self._known[better, worse]


def findings(table: Table, runs: dict[str, list[Run]]) -> tuple[list[list[str]], str]:
    """Figures of the rows that have runs, and their differences to the base.

    Args:
        table: The table, with a base.
        runs: Finished runs by the name of the row; the base has some.

    Returns:
        The cells, header first, and what stands below them in Markdown.

    Raises:
        ValueError: If runs are of different images, or cannot be measured.
    """
    assert table.base is not None
    systems = {
        row.name: System(row.cells[0], [images_of(run) for run in runs[row.name]])
        for row in table.rows
        if row.name in runs
    }
    configs = {name: _config(runs[name][0]) for name in systems}
    left_out = untrained_classes(configs[table.base])
    differences = Differences(systems, left_out)
    claims = [
        (text, f'{systems[better].name} - {systems[worse].name}',
         differences(better, worse))
        for text, better, worse in table.claims
        if {better, worse} <= systems.keys()
    ]  # fmt: skip
    below = [
        _caption(systems[table.base], differences, left_out, configs[table.base]),
        '\n'.join(
            f'* {text}: {_verdict(found.mean)}: {points(found.mean)}'
            for text, _, found in claims
        ),
    ]
    if claims:
        columns = [(name, found) for _, name, found in claims]
        below.append(markdown(of_classes([*systems.values()], columns)))
    lines = _lines(table, runs, configs, differences)
    return lines, '\n\n'.join(text for text in below if text)


def _lines(
    table: Table,
    runs: dict[str, list[Run]],
    configs: dict[str, Config],
    differences: Differences,
) -> list[list[str]]:
    """Cells, header first: a second mean only where classes are left out."""
    assert table.base is not None
    counted = differences.counted
    part = [] if counted.all() else [over(counted)]
    base = differences.systems[table.base].name
    minus = [f'{name} minus {base}' for name in ('mIoU', *part)]
    costs = ['Params (M)', 'MACs (G)', 's/iter', 'runs']
    opinions = ['agreement', 'oracle']
    lines = [[*table.columns, *table.metrics, *part, *opinions, *minus, *costs]]
    for row in table.rows:
        if row.name not in differences.systems:
            continue
        system, of_row = differences.systems[row.name], runs[row.name]
        outputs = [_output(key) for key in table.metrics.values()]
        line = [*row.cells, *(spread(system.means(output)) for output in outputs)]
        line += [spread(system.means(ENSEMBLE, counted)) for _ in part]
        line += [spread(system.shares(name)) for name in opinions]
        if row.name == table.base:
            line += [''] * len(minus)
        else:
            found = differences(row.name, table.base)
            line += [points(found.mean), *(points(found.counted) for _ in part)]
        line += [
            f'{of_row[0].parameters / 1e6:.2f}',
            f'{operations_of(configs[row.name]):.2f}',
            spread([run.seconds for run in of_row], 2),
            str(len(of_row)),
        ]
        lines.append(line)
    return lines


def _caption(
    base: System, differences: Differences, left_out: Sequence[str], cfg: Config
) -> str:
    without = f' Without training pixels: {", ".join(left_out)}.' if left_out else ''
    height, width = _size(cfg)
    return (
        f'mIoU in percent on {len(base.first.images)} images, mean ± standard '
        f'deviation over the runs.{without} Agreement: share of the pixels on which '
        f'the streams predict the same class; oracle: on which one of them at least is '
        f'right. '
        f'Differences are those of the ensembles, {differences.bootstrap}; bold: 0 is '
        f'outside. MACs are those of {height}x{width} pixels.'
    )


def operations_of(cfg: Config) -> float:
    """Multiplications with additions of a network for one sample, in billions."""
    model = network_of(cfg)
    shape = (1, packed_channels(model), *_size(cfg))
    return count_parts(model, shape)[-1].macs / 1e9


def _size(cfg: Config) -> tuple[int, int]:
    """Height and width of the first image of a validation, as the network gets it."""
    init_default_scope('mmseg')
    inputs = DATASETS.build(cfg.val_dataloader.dataset)[0]['inputs']
    return inputs.shape[-2], inputs.shape[-1]


def _config(run: Run) -> Config:
    cfg = run_config(run.folder)
    assert cfg is not None, 'it was read before'
    return cfg


def _output(key: str) -> str:
    """The output that a key of the log is of: ``rgb/mIoU``, ``mIoU``."""
    return key.split('/')[0] if '/' in key else ENSEMBLE


def _verdict(interval: Interval) -> str:
    if not interval.is_clear:
        return 'not decided'
    return 'yes' if interval.value > 0 else 'no'
