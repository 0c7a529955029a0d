"""A table of systems that are compared with one of them, image by image."""

from benchmarking.networks import network_of, packed_channels
from benchmarking.operations import count_parts
from comparing.labels import untrained_classes
from comparing.systems import System, chosen, spread
from comparing.text import Bootstrap, of_classes, over, points
from mmengine.config import Config

from mmseg_cen.metrics import Difference, Interval

from .images import images_of
from .printing import markdown
from .row import Table
from .runs import Run, run_config


def findings(table: Table, runs: dict[str, list[Run]]) -> tuple[list[list[str]], str]:
    """Figures of the rows that have runs, and their differences to the base.

    Args:
        table: The table, with a base.
        runs: Finished runs by the name of the row; the base has some.

    Returns:
        The cells, header first, and what stands below them.

    Raises:
        ValueError: If runs are of different images, or cannot be measured.
    """
    assert table.base is not None
    rows = [row for row in table.rows if row.name in runs]
    systems = {
        row.name: System(row.cells[0], [images_of(run) for run in runs[row.name]])
        for row in rows
    }
    configs = {row.name: _config(runs[row.name][0]) for row in rows}
    base = systems[table.base]
    left_out = untrained_classes(configs[table.base])
    counted = chosen(base.first.classes, left_out)
    bootstrap = Bootstrap()
    found = {
        name: bootstrap.between(base, system, counted)
        for name, system in systems.items()
        if name != table.base
    }
    part = [over(counted)] if left_out else []
    lines = [[
        *table.columns, *table.metrics, *part, 'agreement', 'oracle',
        *(f'{name} minus {base.name}' for name in ('mIoU', *part)),
        'Params (M)', 'MACs (G)', 's/iter', 'runs',
    ]]  # fmt: skip
    for row in rows:
        system, of_row = systems[row.name], runs[row.name]
        difference = found.get(row.name)
        lines.append([
            *row.cells,
            *(spread(system.means(_output(key))) for key in table.metrics.values()),
            *(spread(system.means(system.output, counted)) for _ in part),
            *(spread(system.shares(name)) for name in ('agreement', 'oracle')),
            *_differences(difference, bool(part)),
            f'{of_row[0].parameters / 1e6:.2f}',
            f'{operations_of(configs[row.name]):.2f}',
            spread([run.seconds for run in of_row], 2),
            str(len(of_row)),
        ])  # fmt: skip
    claims = [
        (text, f'{systems[better].name} - {systems[worse].name}',
         bootstrap.between(systems[worse], systems[better], counted))
        for text, better, worse in table.claims
        if {better, worse} <= systems.keys()
    ]  # fmt: skip
    size = 'x'.join(map(str, _size(configs[table.base])))
    without = f' Without training pixels: {", ".join(left_out)}.' if left_out else ''
    below = [
        f'mIoU in percent on {len(base.first.images)} images, mean ± standard '
        f'deviation over the runs.{without} Agreement: share of the pixels on which '
        'the streams '
        'predict the same class; oracle: on which one of them at least is right. '
        f'Differences: of the ensembles, {bootstrap}; bold: 0 is outside. MACs: at '
        f'{size} pixels.',
        '\n'.join(
            f'* {text}: {_verdict(d.mean)}: {points(d.mean)}' for text, _, d in claims
        ),
    ]
    if claims:
        differences = [(name, difference) for _, name, difference in claims]
        below.append(markdown(of_classes([*systems.values()], differences)))
    return lines, '\n\n'.join(below)


def operations_of(cfg: Config) -> float:
    """Multiplications with additions of a network for one sample, in billions."""
    model = network_of(cfg)
    shape = (1, packed_channels(model), *_size(cfg))
    return count_parts(model, shape)[-1].macs / 1e9


def _size(cfg: Config) -> tuple[int, int]:
    """Height and width of the crops of a training."""
    height, width = cfg.model.data_preprocessor.size
    return height, width


def _config(run: Run) -> Config:
    cfg = run_config(run.folder)
    assert cfg is not None, 'it was read before'
    return cfg


def _output(key: str) -> str:
    """The output that a key of the log is of: ``rgb/mIoU``, ``mIoU``."""
    return key.split('/')[0] if '/' in key else 'ensemble'


def _differences(difference: Difference | None, with_part: bool) -> list[str]:
    if difference is None:
        return [''] * (1 + with_part)
    found = [difference.mean, difference.counted]
    return [points(interval) for interval in found[: 1 + with_part]]


def _verdict(interval: Interval) -> str:
    if not interval.is_clear:
        return 'not decided'
    return 'yes' if interval.value > 0 else 'no'
