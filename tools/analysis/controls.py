"""What a modality is good for, by controls: `controls.py CONFIG CKPT` or `--train`.

With a checkpoint: what becomes of its figures if something else stands in the place of
the modality. With --train: networks that were trained with something else in its place.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser

REPLACED = ('real', 'copy', 'noise', 'other', 'shift')
STREAMS = ('single', 'wide')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file, to test')
    parser.add_argument(
        '--train', action='store_true', help='train a network for each control'
    )
    parser.add_argument(
        '--controls',
        nargs='+',
        choices=[*REPLACED[1:], *STREAMS],
        help='copy: the source twice; noise; other: of another image; shift; single: '
        'the network of the source alone; wide: the same, as costly as the whole '
        'network. By default all; single and wide with --train only',
    )
    parser.add_argument('--modality', help='that is replaced, by default the second')
    parser.add_argument('--source', help='that is duplicated, by default the first')
    parser.add_argument(
        '--shift',
        type=int,
        nargs='+',
        default=[8],
        metavar='PIXELS',
        help='of the loaded images, to the right; several are controls of their own',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of noise, and of the exchange of images'
    )
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0], help='of trainings (--train)'
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='trainings at a time (--train)'
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=[480, 640],
        metavar=('HEIGHT', 'WIDTH'),
        help='at which multiplications are counted (--train)',
    )
    parser.add_argument('--out', type=Path, help='folder, work_dirs/controls/CONFIG')
    parser.add_modes()
    parser.add_config_options()
    args = parser.parse_args(argv)
    if bool(args.checkpoint) == args.train:
        parser.error(
            'give either a checkpoint, to test it, or --train, got '
            f'{"both" if args.train else "neither"}'
        )
    if args.checkpoint and {*STREAMS} & {*(args.controls or ())}:
        parser.error(
            '`--controls` must be without single and wide for a checkpoint, got '
            f'{args.controls}: other networks have to be trained, add --train'
        )
    if 0 in args.shift or len({*args.shift}) < len(args.shift):
        parser.error(
            f'`--shift` must be distinct numbers other than 0, got {args.shift}'
        )
    if args.jobs < 1 or min(args.size) < 1 or min(args.seed, *args.seeds) < 0:
        parser.error(
            '`--jobs` and `--size` must be at least 1, seeds at least 0, got '
            f'{args.jobs}, {args.size}, {args.seed} and {args.seeds}'
        )
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from controlling import report
from controlling.capacity import as_costly
from controlling.measuring import Figures, measure, require_metric
from controlling.samples import load_sample, require_labels, require_one_modality
from controlling.training import costs_of, require_epochs, run_all
from controlling.variants import (
    OF_SAMPLES,
    Control,
    one_stream,
    replaced,
    replacements,
    two_streams,
)
from mmengine.config import Config

from mmseg_cen.disk import write_atomically
from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_config, require_file
from mmseg_cen.modes import (
    set_modes,
    test_in_mixed_precision,
    train_in_mixed_precision,
)


def choose(args: argparse.Namespace, names: tuple[str, ...]) -> tuple[str, str]:
    """The modality that is replaced, and the one that is duplicated.

    Raises:
        ValueError: If one is not of the network, or both are the same.
    """
    modality, source = args.modality or names[1], args.source or names[0]
    if modality == source or not {modality, source} <= {*names}:
        raise ValueError(
            f'`--modality` and `--source` must be two of the modalities {names}, got '
            f'{modality!r} and {source!r}: name them'
        )
    return modality, source


def configs_of(
    cfg: Config, args: argparse.Namespace, names: tuple[str, ...]
) -> tuple[dict[str, Config], dict[str, str]]:
    """Config and title of each control, the real data first."""
    modality, source = choose(args, names)
    chosen = args.controls or [*REPLACED, *(STREAMS if args.train else ())]
    configs: dict[str, Config] = {}
    titles: dict[str, str] = {}

    def add(control: Control, own: Config) -> None:
        configs[control.name], titles[control.name] = own, control.title

    for control in replacements(modality, source, args.shift, names):
        if (control.how or 'real') in ('real', *chosen):
            add(control, replaced(cfg, control, modality, source, args.seed))
        if control.name in configs and control.how in OF_SAMPLES:
            for split in ('train', 'val', 'test') if args.train else ('test',):
                load_sample(configs[control.name], split)
    if {*STREAMS} & {*chosen}:
        single = one_stream(cfg, source)
        require_one_modality(single)
        if 'single' in chosen:
            add(Control('single', f'{source} alone'), single)
    if 'wide' in chosen:
        wide, matched = as_costly(cfg, source, args.size)
        print(f'wide: {matched}')
        add(Control('wide', f'{source} alone, as many multiplications'), wide)
    return configs, titles


def test_all(
    configs: dict[str, Config], checkpoint: str, out: Path
) -> dict[str, list[Figures]]:
    """The figures of one checkpoint with the data of each config."""
    figures = {}
    for name, cfg in configs.items():
        print(f'testing: {name}', flush=True)
        figures[name] = [measure(cfg, checkpoint, out / name, f'{out.name}_{name}')]
    return figures


def write(
    text: str,
    figures: dict[str, list[Figures]],
    titles: dict[str, str],
    args: argparse.Namespace,
    out: Path,
) -> None:
    """Write the report, and all figures for programs."""
    name = 'trained' if args.train else 'tested'
    content = dict(
        config=args.config,
        checkpoint=args.checkpoint,
        seed=args.seed,
        controls={
            control: dict(title=titles[control], figures=[f.to_dict() for f in several])
            for control, several in figures.items()
        },
    )
    write_atomically(out / f'{name}.md', text.encode())
    write_atomically(out / f'{name}.json', json.dumps(content, indent=2).encode())
    print(f'\n{text}\n{out / name}.md, {out / name}.json')


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, options=args.cfg_options)
    names = two_streams(cfg)
    require_metric(cfg)
    set_modes(cfg, args)
    if args.train:
        require_epochs(cfg)
    else:
        require_file(args.checkpoint, 'checkpoint')
    if args.amp:
        in_precision = (
            train_in_mixed_precision if args.train else test_in_mixed_precision
        )
        in_precision(cfg, args.amp)
    out = args.out or Path('work_dirs/controls', Path(args.config).stem)
    configs, titles = configs_of(cfg, args, names)
    costs: dict[str, list[str]] = {}
    require_labels(cfg)
    if args.train:
        # Before hours of trainings, what is needed behind them.
        costs = costs_of(configs, args.size)
        figures, unfinished = run_all(configs, args, out)
        if unfinished:
            raise SystemExit(
                f'error: all trainings must finish, got {len(unfinished)} that did '
                f'not, such as {unfinished[0]}: see train.log there, and repeat the '
                'command to go on with them'
            )
        title = f'`{args.config}`, a network trained for each line'
        if (seeds := len({*args.seeds})) > 1:
            title += f', {seeds} seeds'
    else:
        figures = test_all(configs, args.checkpoint, out)
        title = f'`{args.config}` with `{args.checkpoint}`, tested'
    parts = [
        f'{title}: mIoU in percent.',
        report.table(figures, titles, names, costs),
        *([report.verdict(figures, titles)] if args.train else []),
        'IoU of the ensemble, real minus control, by class:',
        report.classes(figures, titles),
    ]
    text = '\n\n'.join(part for part in parts if part) + '\n'
    write(text, figures, titles, args, out)


if __name__ == '__main__':
    main()
