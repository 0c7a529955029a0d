"""Draw the losses and validation figures that a training logged.

python tools/analysis/loss_curves.py work_dirs/my_training --out curves.png
python tools/analysis/loss_curves.py work_dirs/my_training --keys 'loss*' '*MAE' --out curves.png
python tools/analysis/loss_curves.py work_dirs/my_training --list

The runs of a training that was interrupted and resumed are one curve. Losses are drawn
over iterations, figures of the validation over epochs, or over iterations if mmengine
counts those.
"""  # noqa: E501

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser, picture_path


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dir', help='work directory, or a scalars.json')
    parser.add_argument(
        '--keys',
        nargs='+',
        metavar='PATTERN',
        help="which scalars, e.g. loss_l1_rgb '*/MAE' (default: all losses and the "
        'figures of the validation)',
    )
    parser.add_argument('--out', metavar='FILE', help='picture to write')
    parser.add_argument(
        '--smooth',
        type=int,
        default=1,
        metavar='N',
        help='average N logged values (default: none)',
    )
    parser.add_argument('--list', action='store_true', help='list the scalars')
    args = parser.parse_args()
    if not args.list and args.out is None:
        parser.error('--out FILE is needed, or --list')
    if args.smooth < 1:
        parser.error('--smooth must be at least 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.visualization.curves import draw_curves, select
from mmseg_cen.visualization.scalars import read_scalars


def is_of_interest(key: str) -> bool:
    """Whether a scalar is a loss or a figure of the validation."""
    others = ('time', 'data_time', 'memory', 'lr', 'base_lr', 'grad_norm')
    parts = key.split('/')
    return not (  # `generator.lr` of several optimizers
        parts[-1].rpartition('.')[2] in others
        or parts[0] in ('exchange', 'alpha', 'lr', 'base_lr')
    )


@as_tool
def main() -> None:
    args = parse_args()
    curves = read_scalars(args.work_dir)
    if args.list:
        for key, (steps, values) in curves.items():
            print(f'{key}: {len(steps)} values, last {values[-1]:.6g}')
        return
    keys = [key for key in curves if is_of_interest(key)]
    if args.keys:
        keys = select(curves, args.keys)
    if not keys:
        raise ValueError(
            f'`--keys` must be given if no loss is logged, got {sorted(curves)}: '
            'name some of these'
        )
    name = Path(args.work_dir).resolve().name
    picture = draw_curves({key: curves[key] for key in keys}, args.smooth, name)
    out = picture_path(args.out)
    write_picture(out, picture)
    print(f'{len(keys)} curves in {out}')


if __name__ == '__main__':
    main()
