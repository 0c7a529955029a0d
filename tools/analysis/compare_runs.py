"""Compare systems on the same images, with bootstrap intervals of their differences.

python tools/analysis/compare_runs.py none=runs/no_exchange cen=runs/exchange_half

A system is a file of `tools/test.py --per-image FILE`, a pattern of such files, or a
folder in which there is a per_image.npz of each seed: [NAME=]PATH[@OUTPUT]. The others
are compared with the first one. With `rgb=PATH@rgb`, it is a stream, such as to see
where depth helps: `rgb=PATH@rgb both=PATH`.

In each resample, as many images as there are are drawn with replacement, the areas of
all classes are summed over them, and the mIoU of both systems is computed from the
sums; runs of a system are averaged within. What one image alone decides, such as a
class that no other has, has no interval.
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
    parser.add_argument(
        'systems',
        nargs='+',
        metavar='[NAME=]PATH[@OUTPUT]',
        help='what is compared with the first, see above',
    )
    parser.add_argument(
        '--output',
        default='ensemble',
        help='what is compared: a modality, or ensemble (default)',
    )
    parser.add_argument(
        '--leave-out',
        nargs='+',
        default=[],
        metavar='CLASS',
        help='names of classes that a second mean is without',
    )
    parser.add_argument(
        '--config',
        help='leave out the classes, too, that the training of this config has not',
    )
    parser.add_argument(
        '--resamples',
        type=int,
        default=10_000,
        metavar='N',
        help='how often images are drawn (default: 10000)',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the resamples')
    parser.add_argument('--level', type=float, default=0.95, help='of the intervals')
    parser.add_argument('--out', type=Path, metavar='FILE', help='also write it there')
    args = parser.parse_args(argv)
    if len(args.systems) < 2:
        parser.error(f'`systems` must be two at least, got {args.systems}: name others')
    if args.resamples < 1 or not 0 < args.level < 1 or args.seed < 0:
        parser.error(
            f'`--resamples` must be positive, `--level` in (0, 1), and `--seed` at '
            f'least 0, got {args.resamples}, {args.level} and {args.seed}: change them'
        )
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from benchmarking.tables import markdown
from comparing.labels import untrained_classes
from comparing.systems import chosen, read_system
from comparing.text import (
    Bootstrap,
    of_classes,
    of_differences,
    of_lacking,
    of_systems,
)

from mmseg_cen.disk import write_atomically
from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_config


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    systems = [read_system(text, args.output) for text in args.systems]
    base, *others = systems
    left_out = [*args.leave_out]
    if args.config:
        left_out += untrained_classes(load_config(args.config))
    counted = chosen(base.first.classes, left_out)
    bootstrap = Bootstrap(args.resamples, args.seed, args.level)
    found = [(other, bootstrap.between(base, other, counted)) for other in others]
    without = f', the second mean without {", ".join(left_out)}' if left_out else ''
    compared = [
        (f'{other.name} - {base.name}', difference) for other, difference in found
    ]
    text = '\n\n'.join(
        [
            f'{len(base.first.images)} images, {len(counted)} classes{without}; '
            f'{bootstrap}.',
            markdown(of_systems(systems, counted)),
            markdown(of_differences(base, found, counted)),
            *filter(None, (of_lacking(base, other) for other in others)),
            markdown(of_classes(systems, compared)),
        ]
    )
    print(text)
    if args.out is not None:
        write_atomically(args.out, f'{text}\n'.encode())


if __name__ == '__main__':
    main()
