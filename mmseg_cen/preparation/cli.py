"""The command line that the tools in tools/dataset_converters share."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from mmseg_cen.door import ToolParser

from .conversion import prepare
from .plan import Plan
from .report import shorten
from .verification import check_folder
from .workers import start_workers


def make_parser(description: str | None, source: bool = True) -> ToolParser:
    """A parser with the paths and options that all tools share.

    Args:
        description: What the tool does: the docstring of its file.
        source: Whether there is one path of the download, named before the other.
    """
    parser = ToolParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if source:
        parser.add_argument(
            'source', nargs='?', help='the download; not needed to --check'
        )
    parser.add_argument('out', help='the folder to write, or to --check')
    parser.add_argument(
        '--jobs',
        type=int,
        default=os.cpu_count() or 1,
        help='number of processes; default: one per core',
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='convert nothing, verify the prepared folder; exit status 1 if it is not '
        'sound',
    )
    parser.add_argument(
        '--skip-bad',
        action='store_true',
        help='finish without the samples that cannot be converted',
    )
    parser.add_argument(
        '--strict',
        action='store_true',
        help='take warnings, e.g. about the number of samples, as errors',
    )
    return parser


def run(args: argparse.Namespace, plan: Callable[[Path], Plan]) -> int:
    """Do what the options of :func:`make_parser` say; return the exit status.

    Args:
        args: The options.
        plan: From the path of the download to the data set to prepare.

    Raises:
        FileNotFoundError: If the download does not exist.
        ValueError: If the paths or the data set cannot be used.
    """
    if args.jobs < 1:
        raise ValueError(f'`--jobs` must be at least 1, got {args.jobs}: give more')
    if args.check:
        return check(Path(args.out), args.jobs)
    if args.source is None:
        raise ValueError(
            '`source` must be given, got one path: name the download, then the folder '
            'to write'
        )
    if not Path(args.source).exists():
        raise FileNotFoundError(
            f'`source` must exist, got {args.source}: check the path of the download'
        )
    if Path(args.source).resolve() == Path(args.out).resolve():
        raise ValueError(
            f'`out` must not be the folder to read, got {args.out} for both: choose '
            'another folder'
        )
    return prepare(
        plan(Path(args.source)),
        Path(args.out),
        jobs=args.jobs,
        skip_bad=args.skip_bad,
        strict=args.strict,
    )


def check(out: Path, jobs: int = 1) -> int:
    """Verify a prepared folder and print its problems; exit status 1 if there are any.

    Args:
        out: The folder.
        jobs: Number of processes.

    Raises:
        FileNotFoundError: If the folder was not prepared.
        ValueError: If its `meta.json` is damaged.
    """
    with start_workers(jobs) as executor:
        problems = check_folder(out, executor)
    print('\n'.join(shorten(problems, 'PROBLEM: ')) or f'{out} is sound')
    return int(bool(problems))
