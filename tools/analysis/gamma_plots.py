"""Draw the scaling factors of a training, Figures 5, 11, 12 and 13 of the paper.

python tools/analysis/gamma_plots.py work_dirs/cen_synthetic
python tools/analysis/gamma_plots.py work_dirs/lambda_1e-3 work_dirs/lambda_5e-3

Needs `dict(type='GammaRecorderHook')` among the `custom_hooks` of the training. Of each
run, `steps_<layer>.png` (--layers; by default the first, middle and last layer) and
`proportions.png` are written. Several runs give `lambda.png` and `theta.png`, too: the
metric and the exchanged share of the own parts against the value in which the runs
differ. Runs with a `target_share` have no fixed lambda and are not in `lambda.png`.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'work_dirs',
        nargs='+',
        type=Path,
        metavar='WORK_DIR',
        help='folder of a training with a GammaRecorderHook',
    )
    parser.add_argument(
        '--layers', nargs='+', metavar='NAME', help='layers whose steps are drawn'
    )
    parser.add_argument(
        '--metric', default='mIoU', help='metric of the last validation'
    )
    parser.add_argument('--out', type=Path, help='folder (default: WORK_DIR/figures)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import numpy as np
from mmengine.config import Config
from numpy.typing import NDArray

from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.hooks.gamma_recorder import RECORD, read_record
from mmseg_cen.streams.exchange import own_part
from mmseg_cen.visualization import unique_names
from mmseg_cen.visualization.curves import read_scalars
from mmseg_cen.visualization.gamma_plots import (
    draw_proportions,
    draw_sensitivity,
    draw_steps,
)


def write(folder: Path, name: str, picture: NDArray[np.uint8]) -> None:
    path = folder / f'{name}.png'
    write_picture(path, picture)
    print(path)


def draw_run(work_dir: Path, chosen: list[str] | None, out: Path) -> float:
    """Draw one run, and return the share of the own parts exchanged at its end."""
    steps, layers, modalities, threshold = read_record(work_dir / RECORD)
    names = [*layers]
    for name in chosen or dict.fromkeys((names[0], names[len(names) // 2], names[-1])):
        if name not in layers:
            raise ValueError(
                f'`--layers` must be among {names}, got {name!r}: name some of these'
            )
        picture = draw_steps(steps, layers[name], modalities, threshold, name)
        write(out, f'steps_{name}', picture)
    last = {name: gamma[-1] for name, gamma in layers.items()}
    write(out, 'proportions', draw_proportions(last, modalities))
    own = [np.abs(gamma)[own_part(*gamma.shape).numpy()] for gamma in last.values()]
    return float((np.concatenate(own) < threshold).mean())


def parameters_of(work_dir: Path) -> tuple[float | None, float]:
    """Lambda and theta of a run's config; lambda is None if a target adjusts it."""
    found = sorted(work_dir.glob('*.py'))
    if not found:
        raise FileNotFoundError(
            f'`WORK_DIR` must hold the config of a training, got {str(work_dir)!r}: '
            'name a folder that tools/train.py wrote'
        )
    cfg = Config.fromfile(found[0])
    hooks = [h for h in cfg.get('custom_hooks', []) if 'Sparsity' in h['type']]
    weight = hooks[0].get('sparsity_weight', 5e-3) if hooks else 0.0
    if hooks and hooks[0].get('target_share') is not None:
        print(f'{work_dir} is left out of the plot of lambda: it has a target_share')
        weight = None
    part = cfg.model.get('backbone') or cfg.model.generator
    return weight, part.get('exchange_threshold') or 0.0


@as_tool
def main() -> None:
    args = parse_args()
    points = []
    work_dirs = [*{path.resolve(): path for path in args.work_dirs}.values()]
    names = unique_names(map(str, work_dirs))
    for work_dir in work_dirs:
        several = args.out and len(work_dirs) > 1
        out = args.out / names[str(work_dir)] if several else args.out
        share = draw_run(work_dir, args.layers, out or work_dir / 'figures')
        if len(work_dirs) > 1:
            curves = read_scalars(work_dir)
            if args.metric not in curves:
                raise ValueError(
                    f'`--metric` must be logged by {work_dir}, got {args.metric!r}: '
                    f'choose one of {[*curves]}'
                )
            figure = float(curves[args.metric][1][-1])
            points.append((*parameters_of(work_dir), figure, share))
    for i, name in enumerate(('lambda', 'theta') if points else ()):
        known = [point for point in points if point[i] is not None]
        if len({point[i] for point in known}) > 1:
            values, figures, shares = ([point[k] for point in known] for k in (i, 2, 3))
            picture = draw_sensitivity(values, figures, shares, name, args.metric)
            write(args.out or args.work_dirs[0] / 'figures', name, picture)


if __name__ == '__main__':
    main()
