"""What a run was: its command, config, versions, machine, data and main figures."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from mmseg_cen.streams.fold import ENSEMBLE

from .blocks import Block, Facts, Folded, Missing, Section, Table, Tile
from .quantities import BY_STAGE, WHOLE, training_quantity, validation_quantity
from .reading import Run, flatten, parse_time

#: Values of the config that say where a run was, not what it was.
PLACES = ('work_dir', 'launcher', 'resume', 'filename')


def tiles(run: Run) -> list[Tile]:
    """The figures at the top: metric of each output, cost."""
    metric = 'MAE' if run.is_translation else 'mIoU'
    found = []
    for output in reversed(run.outputs):
        key = metric if output == ENSEMBLE else f'{output}/{metric}'
        if key not in run.validations:
            continue
        steps, values = run.validations[key]
        note = ''
        if np.isfinite(values[:-1]).any():
            best = (np.nanargmin if metric == 'MAE' else np.nanargmax)(values)
            if best != len(values) - 1:
                note = f'best {_figure(values[best])} ({run.unit} {steps[best]:g})'
        several = len(run.outputs) > 1
        name = f'{metric} {output}' if several else metric
        found.append(Tile(name, _figure(values[-1]), note))
    own = [v[-1] for k, (_, v) in run.curves.items() if _is_own(k)]
    if own:
        found.append(
            Tile('exchanged', f'{100 * np.mean(own):.0f} %', 'of the own parts')
        )
    if 'time' in run.curves:
        seconds = np.nanmedian(run.curves['time'][1])
        found.append(Tile('per iteration', f'{seconds:.3g} s', 'median'))
    if 'memory' in run.curves:
        memory = np.nanmax(run.curves['memory'][1]) / 1024
        found.append(Tile('GPU memory', f'{memory:.1f} GB', 'largest'))
    if run.facts.spent:
        found.append(Tile('training', duration(run.facts.spent), ''))
    return found


def run_section(run: Run, several: bool) -> Section:
    """Command, config, versions, machine and data of a run."""
    lines = run.facts.lines
    rows = [('state', run.state[1]), ('work directory', str(run.folder))]
    command = lines.get('command', 'not recorded (by an older version)')
    rows += [('command', command)]
    if file := lines.get('config') or run.config_file:
        rows.append(('config', str(file)))
    begun = parse_time(run.starts[0])
    if begun and run.facts.last:
        rows.append(
            (
                'time',
                f'{begun:%Y-%m-%d %H:%M} to {run.facts.last:%Y-%m-%d %H:%M}, '
                f'{duration(run.facts.spent)} in {len(run.starts)} '
                f'start{"s" * (len(run.starts) > 1)}',
            )
        )
    rows.append(('versions', _versions(lines)))
    rows.append(('machine', _machine(lines)))
    rows.append(('data', _data(run)))
    checkpoints = sorted(run.folder.glob('*.pth'), key=lambda p: p.stat().st_mtime)
    names = ', '.join(path.name for path in checkpoints[-6:])
    rows.append(('checkpoints', names or 'none yet'))
    blocks: list[Block] = [Facts([(k, v) for k, v in rows if v])]
    if run.facts.warnings:
        text = '\n'.join(run.facts.warnings)
        blocks.append(Folded(f'{len(run.facts.warnings)} warnings in the log', text))
    if run.config is None:
        blocks.append(Missing('No config lies in the work directory.'))
    else:
        blocks.append(Folded('Config, as it ran', run.config.pretty_text))
    if run.facts.tests:
        blocks.append(_tests(run))
    title = f'Run {run.name}' if several else 'Run'
    return Section(f'run-{run.name}' if several else 'run', title, blocks)


def comparison_section(runs: Sequence[Run]) -> Section:
    """Last figures of all runs, and where their configs differ."""
    return Section(
        'comparison',
        'Figures and settings',
        [_last_figures(runs), *config_differences(runs)],
    )


def _last_figures(runs: Sequence[Run]) -> Table:
    rows: dict[tuple[int, str], list[float]] = {}
    for number, run in enumerate(runs):
        for curves, find in (
            (run.validations, validation_quantity),
            (run.curves, training_quantity),
        ):
            for key, (_, values) in curves.items():
                quantity, name = find(key)
                if not quantity.title or quantity.order == BY_STAGE:
                    continue
                is_cost = quantity.title.startswith('Seconds')
                value = np.nanmedian(values) if is_cost else values[-1]
                title = f'{quantity.title}{f": {name}" if name not in WHOLE else ""}'
                row = rows.setdefault((quantity.order, title), [np.nan] * len(runs))
                row[number] = float(value)
    body: list[list[str | float]] = [
        ['state', *(run.state[1] for run in runs)],
        *([title, *values] for (_, title), values in sorted(rows.items())),
    ]
    return Table(
        ['', *(run.name for run in runs)],
        body,
        'Last values',
        'Seconds: median.',
        digits=4,
    )


def config_differences(runs: Sequence[Run]) -> list[Block]:
    """A table of the settings in which the configs of runs differ."""
    missing = [run.name for run in runs if run.config is None]
    if missing:
        return [Missing(f'Configs are not compared: none of {", ".join(missing)}.')]
    leaves = [dict(flatten(run.config._cfg_dict.to_dict())) for run in runs]  # type: ignore[union-attr]
    keys = dict.fromkeys(key for leaf in leaves for key in leaf)
    rows: list[list[str | float]] = []
    for key in keys:
        values = [_value(leaf, key) for leaf in leaves]
        if len(set(values)) > 1 and key.split('.')[0] not in PLACES:
            rows.append([key, *values])
    if not rows:
        return [Missing('The configs are the same.')]
    head = ['setting', *(run.name for run in runs)]
    return [Table(head, rows, 'Settings that differ')]


def _value(leaves: dict[str, Any], key: str) -> str:
    return repr(leaves[key]) if key in leaves else '\N{EN DASH}'


def _tests(run: Run) -> Table:
    metrics = dict.fromkeys(m for test in run.facts.tests.values() for m in test)
    metrics = [m for m in metrics if m.count('/') < 2][:12]
    rows: list[list[str | float]] = [
        [name, *(test.get(m, np.nan) for m in metrics)]
        for name, test in run.facts.tests.items()
    ]
    return Table(['test', *metrics], rows, 'Tests in the work directory')


def _versions(lines: dict[str, str]) -> str:
    if 'versions' in lines:
        return lines['versions']
    names = [n for n in ('Python', 'torch', 'mmengine') if n in lines]
    return ', '.join(f'{name} {lines[name]}' for name in names) or 'not recorded'


def _machine(lines: dict[str, str]) -> str:
    gpu = lines.get('GPU')
    if gpu and int(lines.get('GPUs', 1)) > 1:
        gpu = f'{lines["GPUs"]} GPUs, {gpu}'
    parts = [gpu or ('' if 'processes' in lines else 'CPU'), lines.get('processes', '')]
    parts.append(lines.get('machine', ''))
    if 'processes' not in lines and 'seed' in lines:
        parts.append(f'seed {lines["seed"]}')
    return '; '.join(part for part in parts if part)


def _data(run: Run) -> str:
    """Sizes of the data sets, as logged; or what the config and the log tell."""
    lines, config = run.facts.lines, run.config
    parts = []
    for key, loader in (
        ('training data', 'train_dataloader'),
        ('validation data', 'val_dataloader'),
    ):
        settings = (config.get(loader) if config else None) or {}
        dataset = settings.get('dataset') or {}
        size = lines.get(key)
        if size is None and dataset.get('num_samples'):
            size = f'{dataset["num_samples"]} samples'
        batch = settings.get('batch_size')
        if (
            size is None
            and loader == 'train_dataloader'
            and run.facts.batches
            and batch
        ):
            size = f'{run.facts.batches} batches of {batch} an epoch'
        elif size and batch and loader == 'train_dataloader':
            size += f' in batches of {batch}'
        if size or dataset:
            kind = dataset.get('type', '')
            root = f' in {dataset["data_root"]}' if dataset.get('data_root') else ''
            name = key.removesuffix(' data')
            parts.append(f'{name}: {size or "size not recorded"}, {kind}{root}')
    return '; '.join(parts)


def _is_own(key: str) -> bool:
    return key.startswith('exchange/') and key.endswith('/own')


def _figure(value: float) -> str:
    return f'{value:.2f}' if abs(value) >= 1 else f'{value:.4f}'


def duration(time: timedelta) -> str:
    """``2 h 05 min``, ``3 min``, ``40 s``."""
    seconds = int(time.total_seconds())
    if seconds < 120:
        return f'{seconds} s'
    minutes = round(seconds / 60)
    return (
        f'{minutes} min'
        if minutes < 120
        else f'{minutes // 60} h {minutes % 60:02} min'
    )
