"""The trainings of controls, each once, and the figures of their checkpoints."""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from paper.comparison import differences
from paper.row import Leaf, Row
from paper.runs import read_run, run_config
from paper.training import Task, train

from mmseg_cen.checkpoints import latest_checkpoint
from mmseg_cen.launch import complete, say_order

from .capacity import cost
from .measuring import Figures, measure

#: What writes the log that is read again.
LOG = 'LocalVisBackend'


def require_epochs(cfg: Config) -> None:
    """Refuse a training whose end is no validation, by which it is found finished.

    Raises:
        ValueError: If there is no number of epochs, no validation, or no log of it.
    """
    if not cfg.get('val_evaluator'):
        raise ValueError(
            '`val_evaluator` must measure a training for --train, got '
            f'{cfg.get("val_evaluator")}: set it, val_dataloader and val_cfg'
        )
    metrics = cfg.val_evaluator
    metrics = metrics if isinstance(metrics, list | tuple) else [metrics]
    if not any(_measures_miou(metric) for metric in metrics):
        raise ValueError(
            '`val_evaluator` must measure the mIoU for --train, without a prefix, got '
            f'{[dict(metric) for metric in metrics]}: put it among iou_metrics, and '
            'leave out the prefix and format_only'
        )
    if not (cfg.get('train_cfg') or {}).get('max_epochs'):
        raise ValueError(
            f'`train_cfg` must count epochs for --train, got {cfg.get("train_cfg")}: '
            'set max_epochs'
        )
    visualizer = cfg.get('visualizer')
    backends = [b.get('type') for b in (visualizer or {}).get('vis_backends') or ()]
    names = [str(kind).rpartition('.')[2] for kind in backends]  # without a scope
    if visualizer and LOG not in names:
        raise ValueError(
            f'`visualizer` must have a {LOG} for --train, by whose log a training is '
            f"found finished, got {backends}: add dict(type='{LOG}') to vis_backends"
        )


def _measures_miou(metric: Any) -> bool:
    is_plain = not metric.get('prefix') and not metric.get('format_only')
    return is_plain and 'mIoU' in metric.get('iou_metrics', ['mIoU'])


def plan(configs: dict[str, Config], args: argparse.Namespace, out: Path) -> list[Task]:
    """The training of each control with each seed.

    Raises:
        ValueError: If a work directory holds a training with other settings.
    """
    tasks = []
    for seed in dict.fromkeys(args.seeds):
        for name, control in configs.items():
            cfg = copy.deepcopy(control)
            cfg.randomness = dict(seed=seed)
            hooks = cfg.setdefault('default_hooks', {})
            # Two, as mmengine removes an old one before the new one is written.
            hooks['checkpoint'] = dict(
                type='CheckpointHook', interval=1, max_keep_ckpts=2
            )
            cfg.pop('work_dir', None)
            say_order(cfg)
            complete(cfg)  # as the copy in the work directory is
            work_dir = out / name / f'seed_{seed}'
            old = run_config(work_dir)
            if old is not None and (keys := differences(cfg, old)):
                raise ValueError(
                    f'the settings must be those of the training in {work_dir}, got '
                    f'others of {", ".join(keys)}: take another --out, or delete it'
                )
            row = Row(name, (name,), {}, Leaf(name, name, (args.config,)))
            tasks.append(Task(row, seed, cfg, work_dir))
    return tasks


def is_finished(task: Task) -> bool:
    """Whether the work directory of a training has its figures and last checkpoint."""
    old = run_config(task.work_dir)
    return old is not None and read_run(task.work_dir, old) is not None


def run_all(
    configs: dict[str, Config], args: argparse.Namespace, out: Path
) -> tuple[dict[str, list[Figures]], list[Path]]:
    """Train what is not finished, and test the last checkpoint of each training.

    Returns:
        The figures of each control, one for each seed; and the work directories of
        trainings that did not finish, without which there are no figures.
    """
    tasks = plan(configs, args, out)
    train(tasks, args.jobs)
    unfinished = [task.work_dir for task in tasks if not is_finished(task)]
    figures: dict[str, list[Figures]] = {name: [] for name in configs}
    if unfinished:
        return figures, unfinished
    for task in tasks:
        name = task.row.name
        print(f'testing: {name}, seed {task.seed}', flush=True)
        checkpoint = latest_checkpoint(str(task.work_dir))
        label = f'{out.name}_{name}_{task.seed}'
        folder = task.work_dir.with_name(f'{task.work_dir.name}_test')
        figures[name].append(measure(task.cfg, str(checkpoint), folder, label))
    return figures, []


def costs_of(configs: dict[str, Config], size: Sequence[int]) -> dict[str, list[str]]:
    """Parameters and multiplications of each network, as cells of a table."""
    cells = {'head': ['parameters, M', f'multiplications at {size[0]}x{size[1]}, G']}
    for name, cfg in configs.items():
        macs, parameters = cost(cfg, size)
        cells[name] = [f'{parameters / 1e6:.3f}', f'{macs / 1e9:.3f}']
    return cells
