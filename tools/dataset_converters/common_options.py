"""The options that all tools of this folder share; `run` of mmseg_cen acts on them."""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser, called  # noqa: F401


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


def add_clip(parser: argparse.ArgumentParser) -> None:
    """The option of tools that cut large images into parts."""
    parser.add_argument(
        '--clip',
        type=positive,
        default=512,
        help='longest side of a part of an image, pixels; default: 512',
    )


def positive(text: str) -> int:
    """A number of pixels."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(
            f'must be a positive integer, got {text!r}: give e.g. 512'
        )
    return int(text)
