"""What the options do that the tools in tools/dataset_converters share."""

import argparse
from collections.abc import Callable
from pathlib import Path

from .conversion import prepare
from .plan import Plan
from .report import shorten
from .verification import check_folder
from .workers import start_workers


def run(args: argparse.Namespace, plan: Callable[[Path], Plan]) -> int:
    """Do what the options of a tool say; return the exit status.

    Args:
        args: The options, see tools/dataset_converters/common_options.py.
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
