"""The gain of several tasks in one network over a network for each of them.

python tools/analysis/multitask_delta.py RUN TWIN_A TWIN_B ...

Each is a work directory, of which the last validation counts, or a figures file (json)
of tools/test.py. Prints the figure of each task, its relative gain, and their mean
(Maninis et al., CVPR 2019), positive where the network of all tasks is better.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('run', type=Path, help='the network of all tasks')
    parser.add_argument(
        'twins', type=Path, nargs='+', help='the networks for one task each'
    )
    parser.add_argument(
        '--higher',
        nargs='*',
        default=['mIoU'],
        metavar='KEY',
        help='figures of which more is better, one of a task (default: mIoU)',
    )
    parser.add_argument(
        '--lower',
        nargs='*',
        default=['depth/rmse', 'normals/mean_angle'],
        metavar='KEY',
        help='errors, of which less is better (default: depth/rmse normals/mean_angle)',
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import json

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from benchmarking.tables import markdown

from mmseg_cen.door import as_tool
from mmseg_cen.multitask.gain import relative_gains
from mmseg_cen.visualization.scalars import read_scalars


def figures_of(path: Path) -> dict[str, float]:
    """The figures of a test, or of the last validation of a training.

    Raises:
        FileNotFoundError: If there are none.
        ValueError: If the file is none of figures.
    """
    if path.suffix != '.json':
        return {key: float(curve[1][-1]) for key, curve in read_scalars(path).items()}
    try:
        found = json.loads(path.read_text())
        return {key: float(value) for key, value in found.items()}
    except (json.JSONDecodeError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f'the figures must be a JSON object of numbers, as tools/test.py writes '
            f'it, got {str(path)!r}: name another file, or a work directory'
        ) from error


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    of_run = figures_of(args.run)
    keys = [key for key in (*args.higher, *args.lower) if key in of_run]
    if not keys:
        raise ValueError(
            f'`run` must have some of the figures {[*args.higher, *args.lower]}, got '
            f'{sorted(of_run)}: name others with --higher and --lower'
        )
    single: dict[str, float] = {}
    for twin in args.twins:
        own = {k: v for k, v in figures_of(twin).items() if k in keys}
        if twice := sorted({*own} & {*single}):
            raise ValueError(
                f'each figure must be of one twin, got {twice} of {twin} and of one '
                'before it: name one twin for each task'
            )
        single |= own
    several = {key: of_run[key] for key in keys}
    gains = relative_gains(several, single, args.lower)
    rows = [
        [key, f'{single[key]:.4g}', f'{several[key]:.4g}', f'{100 * gain:+.1f} %']
        for key, gain in gains.items()
    ]
    mean = 100 * sum(gains.values()) / len(gains)
    print(markdown([['figure', 'one task', 'several', 'gain'], *rows]))
    print(f'\nmean gain: {mean:+.1f} %')


if __name__ == '__main__':
    main()
