"""Train a model: ``python tools/train.py CONFIG``."""

import argparse
import os

from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description='Train a segmentor.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from CHECKPOINT or, without one, from the latest in the work '
        'directory, if there is any; write it after the config',
    )
    parser.add_modes()
    parser.add_config_options()
    parser.add_launcher()
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop, Runner
from reporting.at_end import report_training

from mmseg_cen.checkpoints import latest_checkpoint, lock_training
from mmseg_cen.cpu_processes import end_cpu_processes, start_cpu_processes
from mmseg_cen.door import as_tool
from mmseg_cen.launch import (
    build_runner,
    check_checkpoint,
    is_first_process,
    load_config,
    require_file,
)
from mmseg_cen.models.pretrained import require_weights
from mmseg_cen.modes import set_modes, train_in_mixed_precision


def select_checkpoint(cfg: Config, resume: str | None) -> None:
    """Set ``cfg.resume`` and ``cfg.load_from`` from the argument of ``--resume``.

    Unlike mmseg's tool, a work directory without checkpoint leaves ``load_from`` as it
    is: a job that is started again and again with ``--resume`` starts from it once.
    """
    if resume is None and cfg.get('resume') and cfg.get('load_from') is None:
        resume = 'auto'  # as mmengine has it, but checked as with the option
    if resume == 'auto':
        resume = latest_checkpoint(cfg.work_dir)
    if resume is not None:
        cfg.resume = True
        cfg.load_from = resume
    if cfg.get('load_from') is not None:
        require_file(cfg.load_from, 'checkpoint')


def require_batches(runner: Runner) -> None:
    """Refuse to train epochs without a batch.

    Raises:
        ValueError: If there are fewer samples than in a batch, and it is dropped.
    """
    loop = runner.train_loop
    if isinstance(loop, EpochBasedTrainLoop) and not len(loop.dataloader):
        loader = loop.dataloader
        raise ValueError(
            f'an epoch must have a batch, got {len(loader.dataset)} samples for '
            f'batches of {loader.batch_size}, and the last, smaller one is dropped: '
            f'set train_dataloader.batch_size, or train_dataloader.drop_last=False'
        )


@as_tool
def main() -> None:
    args = parse_args()
    cfg = load_config(
        args.config,
        options=args.cfg_options,
        work_dir=args.work_dir,
        launcher=args.launcher,
    )
    if is_first_process(args.launcher):
        lock_training(cfg.work_dir)
    select_checkpoint(cfg, args.resume)
    set_modes(cfg, args)
    if args.amp:
        train_in_mixed_precision(cfg, args.amp)
    start_cpu_processes(cfg)
    runner = build_runner(cfg)
    require_weights(runner.model)
    if cfg.get('load_from') is not None:
        resume = cfg.get('resume', False)
        check_checkpoint(runner.model, cfg.load_from, strict=resume, resume=resume)
    require_batches(runner)
    runner.train()
    if is_first_process(args.launcher):
        report_training(cfg.work_dir)
    end_cpu_processes(cfg)


if __name__ == '__main__':
    main()
