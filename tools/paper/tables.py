"""Train the rows of one of the paper's tables, and print them beside the paper's.

python tools/analysis/paper_tables.py --table 1 --train --data synthetic --seeds 0 1 2 --jobs 2
python tools/analysis/paper_tables.py --table 7 --train --data nyud_half --epochs 60
python tools/analysis/paper_tables.py --table 1 --collect work_dirs/exchange_half work_dirs/l1_half

With `--train`, each row and seed is a training of its own, by tools/train.py. Finished
ones are skipped, interrupted ones go on where they were, so that the command can be
repeated. Tables with common rows share them. Without it, what is there is collected:
what an earlier call trained, or the work directories of `--collect`, in which a run
belongs to the row whose settings its config has. Runs of different data or lengths are
not averaged.

Settings of a row are put onto the network of the data, see paper_configs.py. The
figures of the paper are those of `nyud` and `taskonomy`: with other data, compare the
order of the rows. `±` is the standard deviation over the seeds. The small translations
have no FID and KID.

The table is also written to table_TABLE_DATA.md and .csv in the work directory; that
of some --rows, or of some number of --epochs, has a name of its own.
"""  # noqa: E501

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import argparse
import csv
import fcntl
import operator
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from paper_configs import ROOT, build_config, differences, load_leaf, settings
from paper_rows import TABLES, Row, Table

from mmseg_cen.launch import exit_on_user_error
from mmseg_cen.visualization.curves import read_scalars

FUSION_PARAMETERS = re.compile(r'(^|\.)fusions?\.|\.exchange\.|^decode_head\.concat\.')


@dataclass
class Run:
    """A finished training: its figures by key, seconds per iteration, parameters."""

    metrics: dict[str, float]
    seconds: float
    parameters: int
    fusion_parameters: int


def run_config(folder: Path) -> Config | None:
    """The config of a work directory, or None if there is none that can be read."""
    found = sorted(folder.glob('*.py'))
    if not found or not [*folder.glob('*/vis_data/scalars.json')]:
        return None
    try:
        cfg = Config.fromfile(found[0])
    except Exception:  # whatever a file leads to that was not written to its end
        return None
    return cfg if {'model', 'train_cfg', 'train_dataloader'} <= cfg.keys() else None


def read_run(folder: Path, cfg: Config) -> Run | None:
    """The figures of a training, or None if it is not finished or cannot be read."""
    try:
        curves = read_scalars(folder)
    except ValueError:
        return None
    epochs = cfg.train_cfg.get('max_epochs')
    metrics = {
        key: float(values[-1])
        for key, (steps, values) in curves.items()
        if steps[-1] == epochs and not key.startswith(('lr', 'base_lr'))
    }
    checkpoint = folder / 'last_checkpoint'
    if not {'mIoU', 'MAE'} & metrics.keys() or not checkpoint.is_file():
        return None
    if f'epoch_{epochs}.' not in checkpoint.read_text():
        return None
    total, fusion = count_parameters(cfg)
    seconds = curves['time'][1]
    return Run(metrics, statistics.median(seconds.tolist()), total, fusion)


def count_parameters(cfg: Config) -> tuple[int, int]:
    """Parameters of what predicts, in total and of the fusion."""
    init_default_scope('mmseg')
    model_cfg = cfg.model.copy()
    model_cfg.data_preprocessor = None
    if 'generator' in model_cfg:
        model = MODELS.build(model_cfg.generator)
    else:
        model_cfg.backbone.init_cfg = None
        model = MODELS.build(model_cfg)
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    fusion = (n for name, n in sizes.items() if FUSION_PARAMETERS.search(name))
    return sum(sizes.values()), sum(fusion)


@dataclass
class Task:
    """A training: its row, seed, config and work directory."""

    row: Row
    seed: int
    cfg: Config
    work_dir: Path


def plan(rows: Iterable[Row], folder: Path, args: argparse.Namespace) -> list[Task]:
    """The trainings of all rows with all seeds.

    Raises:
        ValueError: A work directory holds a training with other settings.
    """
    tasks = []
    for seed in dict.fromkeys(args.seeds):
        for row in rows:
            cfg = build_config(row, args.data, args.epochs, seed)
            cfg.merge_from_dict(args.cfg_options or {})
            epochs = f'{cfg.train_cfg.max_epochs}_epochs'
            work_dir = folder / args.data / epochs / row.name / f'seed_{seed}'
            old = run_config(work_dir)
            if old is not None and (keys := differences(cfg, old)):
                raise ValueError(
                    f'{work_dir} holds a training with other settings of '
                    f'{", ".join(keys)}: give the --cfg-options that it had, take '
                    f'another --work-dir, or delete it'
                )
            tasks.append(Task(row, seed, cfg, work_dir))
    return tasks


def train(tasks: list[Task], jobs: int) -> dict[str, list[Path]]:
    """Train what is not finished; returns the work directories of each row."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    env = {'OMP_NUM_THREADS': threads, **os.environ}

    def one(task: Task) -> None:
        outcome = train_one(task, env)
        print(f'{task.row.name}, seed {task.seed}: {outcome}', flush=True)

    found: dict[str, list[Path]] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for task, _ in zip(tasks, pool.map(one, tasks), strict=True):
            found.setdefault(task.row.name, []).append(task.work_dir)
    return found


def train_one(task: Task, env: dict[str, str]) -> str:
    """Train one, and say what came of it.

    A lock on its work directory is held by the process that trains. The system
    releases it when that one ends, however it does, but not when only this one does.
    """
    folder = task.work_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'train.log').open('a') as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return f'another process trains in {folder}; repeat this when it has ended'
        old = run_config(folder)
        if old is not None and read_run(folder, old):
            return 'finished before'
        path = folder / 'config' / f'{task.row.name}.py'
        path.parent.mkdir(exist_ok=True)
        task.cfg.dump(path)
        command = [sys.executable, ROOT / 'tools/train.py', path, '--resume']
        code = subprocess.run(
            [*map(str, command), '--work-dir', str(folder)],
            stdout=log, stderr=subprocess.STDOUT, env=env, check=False,
        ).returncode  # fmt: skip
        return f'FAILED, see {log.name}' if code else 'done'


def collect(
    rows: list[Row], folders: Iterable[Path], epochs: int | None = None
) -> dict[str, list[Path]]:
    """Work directories of each row, below some folders, by the settings of configs.

    Args:
        rows: The rows.
        folders: The folders.
        epochs: Length of the runs, or None for those of any.

    Raises:
        FileNotFoundError: A folder does not exist.
    """
    leaves = {row.name: load_leaf(row) for row in rows}
    wanted = cache(lambda name, layers: settings(leaves[name], layers))
    runs: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f'{folder} is no folder of runs')
        for path in folder.rglob('vis_data/scalars.json'):
            runs.setdefault(path.parents[2].resolve(), path.parents[2])
    found: dict[str, list[Path]] = {}
    for run in sorted(runs.values()):
        cfg = run_config(run)
        if cfg is None:
            print(f'{run} has no config that can be read, and is left out')
            continue
        if epochs is not None and cfg.train_cfg.get('max_epochs') != epochs:
            continue
        layers = cfg.model.get('generator', {}).get('num_downs')
        for name in leaves:
            if wanted(name, layers) == settings(cfg):
                found.setdefault(name, []).append(run)
    return found


def read_runs(
    folders: dict[str, list[Path]],
) -> tuple[dict[str, list[Run]], list[Path]]:
    """The finished runs of each row, and the work directories of the others.

    Raises:
        ValueError: Runs are of different lengths or data.
    """
    runs: dict[str, list[Run]] = {}
    unfinished = []
    kinds = set()
    for name, work_dirs in folders.items():
        for work_dir in work_dirs:
            cfg = run_config(work_dir)
            run = cfg and read_run(work_dir, cfg)
            if run:
                runs.setdefault(name, []).append(run)
                kinds.add(kind_of(cfg))
            else:
                unfinished.append(work_dir)
                print(f'{work_dir} is not finished, and left out')
    if len(kinds) > 1:
        raise ValueError(
            f'runs of {" and of ".join(sorted(kinds))} are not averaged: choose by '
            '--epochs, or --collect folders of one kind'
        )
    return runs, unfinished


def kind_of(cfg: Config) -> str:
    """What is common to the runs of a table: their length and data."""
    dataset = cfg.train_dataloader.dataset
    while 'dataset' in dataset:  # of a wrapper
        dataset = dataset.dataset
    options = ', '.join(
        f'{key}={value}'
        for key, value in sorted(dataset.items())
        if isinstance(value, str | int | float) and key not in ('type', 'target')
    )
    return f'{cfg.train_cfg.max_epochs} epochs on {dataset.type}({options})'


def summarize(values: list[float], digits: int = 1) -> str:
    """Mean and, of several, standard deviation."""
    if not values:
        return ''
    text = f'{statistics.mean(values):.{digits}f}'
    if len(values) > 1:
        text += f' ± {statistics.stdev(values):.{digits}f}'
    return text


def tabulate(table: Table, runs: dict[str, list[Run]]) -> list[list[str]]:
    """The table as text, its header first: pairs of the paper's and the measured."""
    metrics = [
        name
        for name in table.metrics
        if any(name in row.paper for row in table.rows)
        or any(table.metrics[name] in r.metrics for rs in runs.values() for r in rs)
    ]
    header = [*table.columns]
    for name in metrics:
        header += [f'{name}: paper', f'{name}: measured']
    for name in ('Params (M)', 'Fusion (M)'):
        header += [f'{name}: paper', f'{name}: measured']
    header += ['s/iter', 'runs']
    lines = [header]
    for row in table.rows:
        of_row = runs.get(row.name, [])
        line = [*row.cells]
        for name in metrics:
            factor = table.units.get(name, 1.0)
            key = table.metrics[name]
            values = [factor * r.metrics[key] for r in of_row if key in r.metrics]
            digits = 1 if 'IoU' in key else 2
            paper = row.paper.get(name)
            line += ['' if paper is None else f'{paper:.{digits}f}']
            line += [summarize(values, digits)]
        for name, key in (
            ('Params (M)', 'parameters'),
            ('Fusion (M)', 'fusion_parameters'),
        ):
            paper = row.paper.get(name)
            counts = {getattr(r, key) for r in of_row}
            line += ['' if paper is None else f'{paper:.1f}']
            line += [' / '.join(f'{n / 1e6:.3g}' for n in sorted(counts))]
        line += [summarize([r.seconds for r in of_row], 3), str(len(of_row))]
        lines.append(line)
    return lines


def check_claims(table: Table, runs: dict[str, list[Run]]) -> list[str]:
    """What the paper says of the order of the rows, and whether it was measured.

    Means are compared; it is said where runs of the one row reach those of the other.
    """
    lines = []
    for text, better, worse in table.claims:
        if not (runs.get(better) and runs.get(worse)):
            continue
        first, second = ([r.metrics['mIoU'] for r in runs[n]] for n in (better, worse))
        compare = operator.ge if '>=' in text else operator.gt
        holds = compare(statistics.mean(first), statistics.mean(second))
        verdict = 'yes' if holds else 'no'
        if min(first) <= max(second) and min(second) <= max(first):
            verdict += ', but seeds overlap'
        lines.append(
            f'{text}: {verdict}: {summarize(first)} against {summarize(second)} '
            '(ensemble)'
        )
    return lines


def markdown(lines: list[list[str]]) -> str:
    """Rows of text as a Markdown table."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + ' |'
        for line in lines
    ]
    text.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(text)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--table', required=True, choices=list(TABLES))
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--train', action='store_true', help='train what is missing')
    what.add_argument('--collect', type=Path, nargs='+', metavar='WORK_DIR')
    parser.add_argument('--data', default='synthetic', help='synthetic, nyud_half, ...')
    parser.add_argument('--epochs', type=int, help='default: those of the base config')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--jobs', type=int, default=1, help='trainings at a time')
    parser.add_argument('--rows', nargs='+', help='names of rows, instead of all')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/paper_tables'))
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.jobs < 1:
        raise ValueError(f'--jobs must be at least 1, got {args.jobs}')
    if args.epochs is not None and args.epochs < 1:
        raise ValueError(f'--epochs must be at least 1, got {args.epochs}')
    table = TABLES[args.table]
    names = [row.name for row in table.rows]
    if unknown := set(args.rows or []) - set(names):
        raise ValueError(f'rows of table {args.table} are {names}, got {unknown}')
    if args.rows:
        table = replace(table, rows=[r for r in table.rows if r.name in args.rows])
    if args.train:
        folders = train(plan(table.rows, args.work_dir, args), args.jobs)
    else:
        places = args.collect or [args.work_dir / args.data]
        folders = collect(table.rows, places, args.epochs)
    runs, unfinished = read_runs(folders)
    if runs:
        lines = tabulate(table, runs)
        claims = check_claims(table, runs)
        text = markdown(lines) + '\n' + ''.join(f'\n* {claim}' for claim in claims)
        print(f'\n{text}\n')
        name = f'table_{args.table}_{"collected" if args.collect else args.data}'
        if args.epochs is not None:
            name += f'_{args.epochs}_epochs'
        if len(table.rows) < len(names):
            name += '_part'
        args.work_dir.mkdir(parents=True, exist_ok=True)
        (args.work_dir / f'{name}.md').write_text(text + '\n')
        with (args.work_dir / f'{name}.csv').open('w', newline='') as file:
            csv.writer(file).writerows(lines)
    if args.train and unfinished:
        raise SystemExit(
            f'error: {len(unfinished)} trainings failed or are not finished, see '
            'train.log in their folders; the same command goes on with them'
        )
    if not runs:
        raise SystemExit(
            'error: no runs found: none that is finished, in '
            f'{", ".join(map(str, places))}, has the settings of a row'
        )


if __name__ == '__main__':
    with exit_on_user_error():
        main()
