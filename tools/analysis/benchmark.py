"""Measure what a network costs, beside others: `benchmark.py CONFIG --against plain`.

Networks and modes take turns in one process, so that a busy machine slows all of them
alike: compare the ratios, and the times only of a quiet machine.
"""

import argparse
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser

TITLES = dict(
    train='Training step',
    infer='Inference',
    copies='Values asked for in a forward pass',
    load='Data loading',
    cache='Decoded and cached files',
    start='Start-up',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--against',
        nargs='*',
        default=['plain', 'lists'],
        metavar='RIVAL',
        help='plain: the unimodal network, fed with all modalities as one batch; '
        'lists: the design of the released code; or another config',
    )
    parser.add_argument(
        '--what',
        nargs='+',
        default=['train', 'infer'],
        choices=list(TITLES),
        help='training step, inference; copies: operations that wait for a GPU; load: '
        'transforms and loader of the training data; cache: its files, decoded and '
        'cached; start: imports, first iteration',
    )
    parser.add_argument(
        '--modes',
        nargs='+',
        default=['eager'],
        metavar='MODE',
        help='eager, channels_last, amp (bfloat16), fp16, compile; for predictions '
        'frozen, torchscript, torch-export, onnx; several at once as channels_last+amp',
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        action='append',
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images, 240 320 by default; may be given several times',
    )
    parser.add_argument('--batch-size', type=int, default=2, help='images at once')
    parser.add_argument(
        '--num-modalities', type=int, nargs='+', help='by default those of the config'
    )
    parser.add_argument(
        '--rounds', type=int, default=10, help='in each, all take a turn'
    )
    parser.add_argument('--warmup', type=int, default=2, help='rounds before them')
    parser.add_argument(
        '--exchanged',
        type=float,
        default=0.5,
        metavar='SHARE',
        help='share of each own part that is exchanged, without a checkpoint',
    )
    parser.add_argument('--checkpoint', help='weights of the model of the config')
    parser.add_argument(
        '--memory', action='store_true', help='peak memory of each, too'
    )
    parser.add_argument('--device', help='by default a GPU, if there is one')
    parser.add_argument('--threads', type=int, help='of torch')
    parser.add_argument('--out', type=Path, help='folder of benchmark.md and .json')
    parser.add_config_options()
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import logging
import warnings
from typing import Any

import torch
from benchmarking.caching import time_cache
from benchmarking.contestants import RIVALS, model_config
from benchmarking.copies import count_copies
from benchmarking.loading import time_loading
from benchmarking.machine import describe_machine
from benchmarking.measuring import Setting, cases
from benchmarking.memory import peak_memory
from benchmarking.modes import Mode
from benchmarking.report import (
    results,
    table,
    table_of_cache,
    table_of_copies,
    table_of_times,
    write,
)
from benchmarking.rounds import take_turns
from benchmarking.start import time_start
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_config
from mmseg_cen.modes import require_device


def check_args(args: argparse.Namespace) -> None:
    """Refuse values that measure nothing, before anything is built."""
    for name in args.modes:
        Mode(name)  # checks it
    counts = dict(
        size=[n for size in args.size or [] for n in size],
        batch_size=[args.batch_size],
        num_modalities=args.num_modalities or [],
        rounds=[args.rounds],
        threads=[1 if args.threads is None else args.threads],
    )
    for option, values in counts.items():
        if any(value < 1 for value in values):
            raise ValueError(
                f'`--{option.replace("_", "-")}` must be positive, got {values}: '
                f'correct it'
            )
    if args.warmup < 0:
        raise ValueError(
            f'`--warmup` must not be negative, got {args.warmup}: give 0 for none'
        )
    if not 0 <= args.exchanged <= 1:
        raise ValueError(
            f'`--exchanged` must be a share between 0 and 1, got {args.exchanged}: '
            f'correct it'
        )
    unknown = [r for r in args.against if r not in RIVALS and not Path(r).is_file()]
    if unknown:
        raise ValueError(
            f'`--against` must be of {RIVALS} or config files, got {unknown}: correct '
            f'the names'
        )


def compare(
    what: str, setting: Setting, args: argparse.Namespace
) -> tuple[str, list[dict[str, Any]]]:
    """The table of what networks do, in text and as values."""
    sizes = [tuple(size) for size in args.size or [(240, 320)]]
    rows = cases(what, args.against, args.modes, list(setting.models), sizes)
    steps = {case: setting.step(case) for case in rows}
    if what == 'copies':
        counts = {case: count_copies(steps[case], setting.device) for case in rows}
        found = [dict(vars(case), **counts[case]) for case in rows]
        return table_of_copies(counts), found
    seconds = take_turns(steps, args.rounds, args.warmup, setting.device)
    threads = torch.get_num_threads()
    memory = {case: peak_memory(setting, case, threads) for case in rows if args.memory}
    found = results(seconds, memory, args.against, args.batch_size)
    return table(found), found


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    check_args(args)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    cfg = load_config(args.config, options=args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    MMLogger.get_instance('benchmark', log_level=logging.ERROR)
    warnings.filterwarnings('ignore')

    models = {}
    for count in args.num_modalities or [None]:
        model = model_config(cfg, count)
        models[len(model['modalities'])] = model
    setting = Setting(
        models,
        require_device(args.device or get_device(), '--device'),
        args.batch_size,
        args.exchanged,
        args.checkpoint,
    )
    command = shlex.join(
        ['python', 'tools/analysis/benchmark.py', *(argv or sys.argv[1:])]
    )
    machine = describe_machine(setting.device)
    page = [f'`{command}`', '', machine]
    record: dict[str, Any] = dict(command=command, machine=machine)
    print('\n'.join(page), flush=True)
    for what in args.what:
        if what == 'load':
            seconds = time_loading(cfg, args.rounds)
            text, found = table_of_times(seconds), seconds
        elif what == 'cache':
            found = time_cache(cfg, args.rounds)
            text = table_of_cache(found)
        elif what == 'start':
            seconds = time_start(args.config, args.cfg_options, args.rounds)
            text, found = table_of_times(seconds), seconds
        else:
            text, found = compare(what, setting, args)
        record[what] = found
        part = ['', f'## {TITLES[what]}', '', text]
        print('\n'.join(part), flush=True)
        page += part
        if args.out is not None:
            write(args.out, '\n'.join(page), record)


if __name__ == '__main__':
    main()
