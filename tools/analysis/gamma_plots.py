"""Draw the scaling factors of a training, Figures 5, 11, 12 and 13 of the paper.

python tools/analysis/gamma_plots.py work_dirs/cen_synthetic
python tools/analysis/gamma_plots.py work_dirs/lambda_1e-3 work_dirs/lambda_5e-3

Needs `dict(type='GammaRecorderHook')` among the `custom_hooks` of the training. Of each
run, `steps_<layer>.png` (--layers; by default the first, middle and last layer) and
`proportions.png` are written. Several runs give `lambda.png` and `theta.png`, too: the
metric and the exchanged share of the own parts against the value in which the runs
differ. Runs with a `target_share` have no fixed lambda and are not in `lambda.png`.
`share.png` has the metric of each output, and how far the streams agree, against the
exchanged share; runs that differ by their seeds are averaged.
"""

import argparse
import sys
from dataclasses import dataclass
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
from paper.comparison import decisive

from mmseg_cen.config_files import configs_in
from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.hooks.gamma_recorder import RECORD, GammaRecord, read_record
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.visualization import unique_names
from mmseg_cen.visualization.gamma_plots import (
    draw_proportions,
    draw_sensitivity,
    draw_shares,
    draw_steps,
)
from mmseg_cen.visualization.scalars import read_scalars

#: Share of the pixels on which the streams predict the same class, in percent.
AGREEMENT = 'streams/agreement'


def write(folder: Path, name: str, picture: NDArray[np.uint8]) -> None:
    path = folder / f'{name}.png'
    write_picture(path, picture)
    print(path)


def draw_run(work_dir: Path, chosen: list[str] | None, out: Path) -> GammaRecord:
    """Draw one run, of which the record is returned."""
    record = read_record(work_dir / RECORD)
    names = [*record.layers]
    for name in chosen or dict.fromkeys((names[0], names[len(names) // 2], names[-1])):
        if name not in names:
            raise ValueError(
                f'`--layers` must be among {names}, got {name!r}: name some of these'
            )
        gamma = record.layers[name]
        shown = record.steps, gamma, record.modalities, record.threshold, name
        write(out, f'steps_{name}', draw_steps(*shown))
    last = {name: gamma[-1] for name, gamma in record.layers.items()}
    write(out, 'proportions', draw_proportions(last, record.modalities))
    return record


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Args:
        penalty: Lambda, or None if a target adjusts it.
        record: Its scaling factors, and theta.
        settings: All that decides its figures, but for the seed.
        metrics: Figures of its last validation, by key.
    """

    penalty: float | None
    record: GammaRecord
    settings: str
    metrics: dict[str, float]


def outcome_of(work_dir: Path, metric: str, record: GammaRecord) -> Outcome:
    """What a run was set to, and its figures."""
    found = configs_in(work_dir)
    if not found:
        raise FileNotFoundError(
            f'`WORK_DIR` must hold the config of a training, got {str(work_dir)!r}: '
            'name a folder that tools/train.py wrote'
        )
    cfg = Config.fromfile(found[-1])
    hooks = [h for h in cfg.get('custom_hooks', []) if 'Sparsity' in h['type']]
    weight = hooks[0].get('sparsity_weight', 5e-3) if hooks else 0.0
    if hooks and hooks[0].get('target_share') is not None:
        print(f'{work_dir} is left out of the plot of lambda: it has a target_share')
        weight = None
    curves = read_scalars(work_dir)
    if metric not in curves:
        raise ValueError(
            f'`--metric` must be logged by {work_dir}, got {metric!r}: choose one of '
            f'{[*curves]}'
        )
    metrics = {key: float(values[-1]) for key, (_, values) in curves.items()}
    settings = str(decisive(cfg))
    return Outcome(weight, record, settings, metrics)


def compare(runs: list[Outcome], metric: str, out: Path) -> None:
    """Draw several runs against the values in which they differ."""
    penalties = [(run, run.penalty) for run in runs if run.penalty is not None]
    thresholds = [(run, run.record.threshold) for run in runs]
    for name, known in (('lambda', penalties), ('theta', thresholds)):
        values = [value for _, value in known]
        if len(set(values)) > 1:
            figures = [run.metrics[metric] for run, _ in known]
            shares = [run.record.share for run, _ in known]
            write(out, name, draw_sensitivity(values, figures, shares, name, metric))
    groups: dict[str, list[Outcome]] = {}
    for run in runs:
        groups.setdefault(run.settings, []).append(run)
    modalities = runs[0].record.modalities
    keys = [f'{name}/{metric}' for name in modalities]
    drawn = [*keys, metric, AGREEMENT]
    if len(groups) > 1 and all({*drawn} <= run.metrics.keys() for run in runs):
        means = sorted(
            [np.mean([run.record.share for run in group])]
            + [np.mean([run.metrics[key] for run in group]) for key in drawn]
            for group in groups.values()
        )
        shares, *columns, agreement = np.array(means).T
        outputs = [*modalities, ENSEMBLE]
        curves = dict(zip(outputs, columns, strict=True))
        write(out, 'share', draw_shares(shares, curves, agreement, metric))


@as_tool
def main() -> None:
    args = parse_args()
    work_dirs = [*{path.resolve(): path for path in args.work_dirs}.values()]
    names = unique_names(map(str, work_dirs))
    several = len(work_dirs) > 1
    runs = []
    for work_dir in work_dirs:
        out = args.out / names[str(work_dir)] if args.out and several else args.out
        record = draw_run(work_dir, args.layers, out or work_dir / 'figures')
        if several:
            runs.append(outcome_of(work_dir, args.metric, record))
    if several:
        compare(runs, args.metric, args.out or args.work_dirs[0] / 'figures')


if __name__ == '__main__':
    main()
