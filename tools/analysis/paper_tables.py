"""Train the rows of one of the paper's tables, and print them beside the paper's.

python tools/analysis/paper_tables.py --table 1 --train --data synthetic --seeds 0 1 2 --jobs 2
python tools/analysis/paper_tables.py --table 7 --train --data nyud_half --epochs 60
python tools/analysis/paper_tables.py --table 1 --collect work_dirs/exchange_half work_dirs/l1_half

With `--train`, each row and seed is a training of its own, by tools/train.py. Finished
ones are skipped, interrupted ones go on where they were, so that the command can be
repeated. Tables with common rows share them. Without it, what is there is collected:
what an earlier call trained, or the work directories of `--collect`, in which a run
belongs to the row whose settings its config has.

Settings of a row are put onto the network of the data, see paper_configs.py. The
figures of the paper are those of `nyud` and `taskonomy`: with other data, compare the
order of the rows. `±` is the standard deviation over the seeds. The small translations
have no FID and KID.

The tables are also written to TABLE.md and TABLE.csv in the work directory.
"""  # noqa: E501

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import argparse
import csv
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from paper_configs import ROOT, build_config, load_leaf, settings
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
    """The config of a work directory, or None."""
    if not [*folder.glob('*/vis_data/scalars.json')]:
        return None
    found = sorted(folder.glob('*.py'))
    return Config.fromfile(found[0]) if found else None


def read_run(folder: Path, cfg: Config) -> Run | None:
    """The figures of a training, or None if it is not finished."""
    curves = read_scalars(folder)
    epochs = cfg.train_cfg.max_epochs
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


def train(
    rows: Iterable[Row], folder: Path, args: argparse.Namespace
) -> dict[str, list[Path]]:
    """Train all rows with all seeds; returns the work directories of each row."""
    tasks = [(row, seed) for seed in args.seeds for row in rows]
    threads = str(max(1, (os.cpu_count() or 1) // args.jobs))
    env = {'OMP_NUM_THREADS': threads, **os.environ}

    def one(task: tuple[Row, int]) -> tuple[Row, Path]:
        row, seed = task
        cfg = build_config(row, args.data, args.epochs, seed)
        cfg.merge_from_dict(args.cfg_options or {})
        epochs = f'{cfg.train_cfg.max_epochs}_epochs'
        work_dir = folder / args.data / epochs / row.name / f'seed_{seed}'
        label = f'{row.name}, seed {seed}'
        old = run_config(work_dir)
        if old is not None and read_run(work_dir, old):
            print(f'{label}: finished before', flush=True)
            return row, work_dir
        work_dir.mkdir(parents=True, exist_ok=True)
        path = work_dir / 'config' / f'{row.name}.py'
        path.parent.mkdir(exist_ok=True)
        cfg.dump(path)
        command = [sys.executable, ROOT / 'tools/train.py', path, '--resume']
        with (work_dir / 'train.log').open('a') as log:
            code = subprocess.run(
                [*map(str, command), '--work-dir', str(work_dir)],
                stdout=log, stderr=subprocess.STDOUT, env=env, check=False,
            ).returncode  # fmt: skip
        print(
            f'{label}: {"done" if not code else f"FAILED, see {log.name}"}', flush=True
        )
        return row, work_dir

    found: dict[str, list[Path]] = {}
    with ThreadPoolExecutor(args.jobs) as pool:
        for row, work_dir in pool.map(one, tasks):
            found.setdefault(row.name, []).append(work_dir)
    return found


def collect(rows: list[Row], folders: Iterable[Path]) -> dict[str, list[Path]]:
    """Work directories of each row, below some folders, by the settings of configs."""
    leaves = {row.name: load_leaf(row) for row in rows}
    wanted = cache(lambda name, layers: settings(leaves[name], layers))
    found: dict[str, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f'{folder} is no folder of runs')
        runs = {path.parents[2] for path in folder.rglob('vis_data/scalars.json')}
        for run in sorted(runs):
            cfg = run_config(run)
            if cfg is None:
                continue
            layers = cfg.model.get('generator', {}).get('num_downs')
            for name in leaves:
                if wanted(name, layers) == settings(cfg):
                    found.setdefault(name, []).append(run)
    return found


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
        header += [f'{name}: paper', 'measured']
    header += ['Params (M): paper', 'measured', 'Fusion (M): paper', 'measured']
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
        verdict = 'yes' if statistics.mean(first) >= statistics.mean(second) else 'no'
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
    parser.add_argument('--train', action='store_true', help='train what is missing')
    parser.add_argument('--data', default='synthetic', help='synthetic, nyud_half, ...')
    parser.add_argument('--epochs', type=int, help='default: those of the base config')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--jobs', type=int, default=1, help='trainings at a time')
    parser.add_argument('--rows', nargs='+', help='names of rows, instead of all')
    parser.add_argument('--collect', type=Path, nargs='+', metavar='WORK_DIR')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/paper_tables'))
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    table = TABLES[args.table]
    names = [row.name for row in table.rows]
    if unknown := set(args.rows or []) - set(names):
        raise ValueError(f'rows of table {args.table} are {names}, got {unknown}')
    rows = [row for row in table.rows if not args.rows or row.name in args.rows]
    if args.train:
        folders = train(rows, args.work_dir, args)
    else:
        default = args.work_dir / args.data
        if args.epochs:
            default = default / f'{args.epochs}_epochs'
        folders = collect(rows, args.collect or [default])
    runs: dict[str, list[Run]] = {}
    unfinished = []
    for name, work_dirs in folders.items():
        for work_dir in work_dirs:
            cfg = run_config(work_dir)
            run = cfg and read_run(work_dir, cfg)
            if run:
                runs.setdefault(name, []).append(run)
            else:
                unfinished.append(work_dir)
                print(f'{work_dir} is not finished, and left out')
    lines = tabulate(table, runs)
    claims = check_claims(table, runs)
    text = markdown(lines) + '\n' + ''.join(f'\n* {claim}' for claim in claims)
    print(f'\n{text}\n')
    args.work_dir.mkdir(parents=True, exist_ok=True)
    stem = args.work_dir / f'table_{args.table}_{args.data}'
    stem.with_suffix('.md').write_text(text + '\n')
    with stem.with_suffix('.csv').open('w', newline='') as file:
        csv.writer(file).writerows(lines)
    if args.train and unfinished:
        raise SystemExit(
            f'error: {len(unfinished)} trainings failed, see train.log in their '
            'folders; the same command goes on with them'
        )


if __name__ == '__main__':
    with exit_on_user_error():
        main()
