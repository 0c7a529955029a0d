"""The trainings of rows: planned, and run by tools/train.py, each once."""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.config import Config

from mmseg_cen.config_files import merge_options
from mmseg_cen.door import ENDS_WITH_PARENT
from mmseg_cen.launch import complete, say_order

from . import locked
from .comparison import differences
from .configs import ROOT, build_config
from .images import file_of
from .pretrained import set_weights
from .row import Row, Table
from .runs import read_run, run_config


@dataclass
class Task:
    """A training: its row, seed, config and work directory."""

    row: Row
    seed: int
    cfg: Config
    work_dir: Path


def plan(table: Table, folder: Path, args: argparse.Namespace) -> list[Task]:
    """The trainings of all rows of a table with all seeds.

    Where rows are compared image by image, validations store what that takes.

    Raises:
        FileNotFoundError: If there is no file of the weights.
        ValueError: If a work directory holds a training with other settings, the
            weights do not fit, or nothing reads an option.
    """
    tasks = []
    for seed in dict.fromkeys(args.seeds):
        for row in table.rows:
            cfg = build_config(row, args.data, args.epochs, seed)
            if args.weights is not None:
                set_weights(cfg, args.weights)
            merge_options(cfg, args.cfg_options or {})
            say_order(cfg)
            complete(cfg)  # as the copy in the work directory is
            epochs = f'{cfg.train_cfg.max_epochs}_epochs'
            work_dir = folder / args.data / epochs / row.name / f'seed_{seed}'
            if table.base is not None:
                cfg.val_evaluator.per_image_file = str(file_of(work_dir))
            old = run_config(work_dir)
            if old is not None and (keys := differences(cfg, old)):
                raise ValueError(
                    f'`--cfg-options` must be those of the training in {work_dir}, '
                    f'got other settings of {", ".join(keys)}: give the options that '
                    'it had, take another --work-dir, or delete it'
                )
            tasks.append(Task(row, seed, cfg, work_dir))
    return tasks


def train(tasks: list[Task], jobs: int) -> dict[str, list[Path]]:
    """Train unfinished tasks, and return the work directories of each row."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    env = {'OMP_NUM_THREADS': threads, **os.environ, **ENDS_WITH_PARENT}

    def one(task: Task) -> None:
        outcome = train_one(task, env)
        print(f'{task.row.name}, seed {task.seed}: {outcome}', flush=True)

    found: dict[str, list[Path]] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for task, _ in zip(tasks, pool.map(one, tasks), strict=True):
            found.setdefault(task.row.name, []).append(task.work_dir)
    return found


def train_one(task: Task, env: dict[str, str]) -> str:
    """Train one, and return its outcome in words.

    The process that trains holds a lock on the work directory, see locked.py: a
    training that outlives this process is not started again.
    """
    folder = task.work_dir
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / 'train.lock'
    busy = f'another process trains in {folder}; repeat this when it has ended'
    path = folder / 'config' / f'{task.row.name}.py'
    try:
        with FileLock(lock, timeout=0):
            old = run_config(folder)
            if old is not None and read_run(folder, old):
                return 'finished before'
            path.parent.mkdir(exist_ok=True)
            task.cfg.dump(path)
    except Timeout:
        return busy
    train = (ROOT / 'tools/train.py', path, '--resume', '--work-dir', folder)
    command = (sys.executable, locked.__file__, lock, *train)
    with (folder / 'train.log').open('a') as log:
        code = subprocess.run(
            [*map(str, command)],
            stdout=log, stderr=subprocess.STDOUT, env=env, check=False,
        ).returncode  # fmt: skip
    if code == locked.BUSY:
        return busy
    return f'FAILED, see {log.name}' if code else 'done'
