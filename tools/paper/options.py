"""The options of tools/analysis/paper_tables.py, which tables.py describes."""

import argparse
from pathlib import Path

from _options import ToolParser

from .rows import ALL_TABLES


def parse_args() -> argparse.Namespace:
    parser = ToolParser(
        description="Train the rows of one of the paper's tables, and print them."
    )
    parser.add_argument(
        '--table',
        required=True,
        choices=list(ALL_TABLES),
        help='number in the paper; the others are of this repository',
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--train', action='store_true', help='train missing rows')
    what.add_argument(
        '--collect',
        type=Path,
        nargs='+',
        metavar='WORK_DIR',
        help='train nothing, print the finished runs below these folders',
    )
    parser.add_argument(
        '--data', help='synthetic (default), nyud_half, ...; of the trainings'
    )
    parser.add_argument(
        '--epochs', type=int, help='default: as the network of the data'
    )
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        default=[0, 1, 2],
        help='a training of each row for each (default: 0 1 2)',
    )
    parser.add_argument('--jobs', type=int, default=1, help='trainings at a time')
    parser.add_argument('--rows', nargs='+', help='names of rows, instead of all')
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/paper_tables'),
        help='folder of the trainings (default: work_dirs/paper_tables)',
    )
    parser.add_argument(
        '--weights',
        type=Path,
        metavar='FILE',
        help='weights that the backbones start from, in place of those of the configs',
    )
    parser.add_argument(
        '--page',
        type=Path,
        metavar='FILE',
        help='also write the table on this page of Markdown, below its command',
    )
    parser.add_config_options()
    args = parser.parse_args()
    if args.page and args.collect and args.data is None:
        parser.error(
            '`--page` must have --data beside --collect, got none: the page names the '
            'command that trains the runs, give the options that they were trained with'
        )
    if args.page and args.page.is_dir():
        parser.error(
            f'`--page` must be a file of Markdown, got the folder {str(args.page)!r}: '
            'name a file in it'
        )
    args.data = args.data or 'synthetic'
    return args
