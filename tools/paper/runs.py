"""Finished trainings: which row each of them is of, and its figures."""

import re
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_cen.config_files import configs_in
from mmseg_cen.config_types import name_types
from mmseg_cen.datasets.of_config import innermost
from mmseg_cen.launch import say_order
from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.visualization.scalars import read_scalars

from .comparison import differences_of_systems, plain, settings
from .configs import load_leaf
from .row import Row

FUSION_PARAMETERS = re.compile(r'(^|\.)fusions?\.|\.exchange\.|^decode_head\.concat\.')
#: A transform by whose options data are other data, and options of others that decide
#: the size of images.
MAKING_DATA = 'LoadSyntheticRoom'
SIZES = ('scale', 'scale_factor', 'scales', 'crop_size')
#: Options of a data set that decide no sample.
NO_DATA = ('type', 'target', 'test_mode', 'lazy_init')


@dataclass
class Run:
    """A finished training.

    Args:
        metrics: Its figures by key.
        seconds: Seconds per iteration.
        parameters: Number of parameters.
        fusion_parameters: Those of the fusion.
        folder: Its work directory.
    """

    metrics: dict[str, float]
    seconds: float
    parameters: int
    fusion_parameters: int
    folder: Path = Path()


def run_config(folder: Path) -> Config | None:
    """The config of a work directory, or None without one that can be read.

    It is the one that the last start which trained wrote beside its log: the copy in
    the work directory itself may be of a test.
    """
    logs = sorted(folder.glob('*/vis_data/scalars.json'))
    trained = [log for log in logs if b'"iter"' in log.read_bytes()]
    beside = [log.with_name('config.py') for log in trained[-1:]]
    found = [*configs_in(folder), *(path for path in beside if path.is_file())]
    if not found or not logs:
        return None
    try:
        cfg = Config.fromfile(found[-1])
        name_types(cfg)
    except Exception:  # a file that was not written to its end raises any
        return None
    if not {'model', 'train_cfg', 'train_dataloader'} <= cfg.keys():
        return None
    say_order(cfg)
    return cfg


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
    return Run(metrics, statistics.median(seconds.tolist()), total, fusion, folder)


def count_parameters(cfg: Config) -> tuple[int, int]:
    """Parameters of the network that predicts, in total and of the fusion."""
    init_default_scope('mmseg')
    model_cfg = without_starts(cfg.model)
    model_cfg.data_preprocessor = None
    model_cfg.pop('auxiliary_head', None)  # of the training only
    model = MODELS.build(model_cfg.get('generator', model_cfg))
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    fusion = (n for name, n in sizes.items() if FUSION_PARAMETERS.search(name))
    return sum(sizes.values()), sum(fusion)


def collect(
    rows: list[Row], folders: Iterable[Path], epochs: int | None = None
) -> dict[str, list[Path]]:
    """Work directories of each row below some folders.

    A run belongs to the row whose settings its config has. Runs of other models belong
    to none, and of copies of a run, with the same logs, one counts.

    Args:
        rows: The rows.
        folders: The folders.
        epochs: Length of the runs, or None for any length.

    Raises:
        FileNotFoundError: If a folder does not exist.
    """
    leaves = {row.name: load_leaf(row) for row in rows}
    wanted = cache(lambda name, layers: settings(leaves[name], layers))
    runs: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(
                f'`--collect` must be folders of runs, got {str(folder)!r}: '
                'name one that exists, or train the rows with --train'
            )
        for path in folder.rglob('vis_data/scalars.json'):
            runs.setdefault(path.parents[2].resolve(), path.parents[2])
    kinds = {leaf.model.type for leaf in leaves.values()}
    found: dict[str, list[Path]] = {}
    known: dict[tuple[bytes, ...], Path] = {}
    # Of copies, one that names its checkpoint.
    for run in sorted(runs.values(), key=lambda run: (not _is_noted(run), run)):
        cfg = run_config(run)
        if cfg is None:
            print(f'{run} is left out: it has no config that can be read')
            continue
        if epochs is not None and cfg.train_cfg.get('max_epochs') != epochs:
            continue
        if cfg.model.get('type') not in kinds:
            continue
        if (first := known.setdefault(_logs_of(run), run)) != run:
            print(f'{run} is left out: it is a copy of {first}')
            continue
        layers = cfg.model.get('generator', {}).get('num_downs')
        for name in leaves:
            if wanted(name, layers) == settings(cfg):
                found.setdefault(name, []).append(run)
    return found


def _is_noted(run: Path) -> bool:
    return (run / 'last_checkpoint').is_file()


def _logs_of(run: Path) -> tuple[bytes, ...]:
    """The logs of a run, whose seconds no other run has."""
    logs = sorted(run.glob('*/vis_data/scalars.json'))
    return tuple(log.read_bytes() for log in logs)


def read_runs(
    folders: dict[str, list[Path]],
) -> tuple[dict[str, list[Run]], list[Path]]:
    """The finished runs of each row, and the work directories of the others.

    Raises:
        ValueError: If runs are of different lengths or data, or validated on others.
    """
    runs: dict[str, list[Run]] = {}
    unfinished = []
    trained_on, validated_on = set(), set()
    firsts: dict[str, tuple[Path, Config]] = {}
    seeds: dict[tuple[str, Any], Path] = {}
    for name, work_dirs in folders.items():
        for work_dir in work_dirs:
            cfg = run_config(work_dir)
            run = cfg and read_run(work_dir, cfg)
            if run:
                runs.setdefault(name, []).append(run)
                data = data_of(cfg.train_dataloader.dataset)
                trained_on.add(f'{cfg.train_cfg.max_epochs} epochs on {data}')
                if validation := cfg.get('val_dataloader'):  # None of one resumed
                    validated_on.add(data_of(validation.dataset))
                first, other = firsts.setdefault(name, (work_dir, cfg))
                if keys := differences_of_systems(cfg, other):
                    print(
                        f'{work_dir} is in one row with {first}, with other settings '
                        f'of {", ".join(keys)}: name the folders of one of them by '
                        '--collect, unless they are one system'
                    )
                    continue
                seed = (cfg.get('randomness') or {}).get('seed')
                twin = seeds.setdefault((name, seed), work_dir)
                if seed is not None and twin != work_dir:
                    print(
                        f'{work_dir} is in one row with {twin}, of the same seed, '
                        f'{seed}: the spread is no longer over seeds, name the folder '
                        'of one of them by --collect'
                    )
            else:
                unfinished.append(work_dir)
                counted = cfg is None or cfg.train_cfg.get('max_epochs')
                why = 'is not finished' if counted else 'counts no epochs, as rows do'
                print(f'{work_dir} is left out: it {why}')
    if len(trained_on) > 1:
        raise ValueError(
            f'runs must be of one length and on the same data, got '
            f'{" and ".join(sorted(trained_on))}: choose by --epochs, or by the '
            'folders of --collect'
        )
    if len(validated_on) > 1:
        raise ValueError(
            f'runs must be validated on the same data, got '
            f'{" and ".join(sorted(validated_on))}: choose by the folders of --collect'
        )
    return runs, unfinished


def data_of(config: Any) -> str:
    """The data sets within the config of one; equal in all runs of a table."""
    words = []
    for dataset in innermost(config):
        options = {k: v for k, v in dataset.items() if k not in NO_DATA and _is_told(v)}
        words.append(_in_words(dataset['type'], options))
        for transform in dataset.get('pipeline') or ():
            if transform.type == MAKING_DATA:
                given = {k: v for k, v in transform.items() if k != 'type'}
                words.append(_in_words(transform.type, given))
            elif sizes := {k: transform[k] for k in SIZES if k in transform}:
                words.append(_in_words(transform.type, sizes))
    return ', '.join(words)


def _is_told(value: Any) -> bool:
    """Whether an option of a data set is a text, a number, or a list of numbers."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(part, int | float) for part in value)
    return isinstance(value, str | int | float)


def _in_words(kind: str, options: dict[str, Any]) -> str:
    text = ', '.join(f'{key}={plain(options[key])}' for key in sorted(options))
    return f'{kind}({text})'
