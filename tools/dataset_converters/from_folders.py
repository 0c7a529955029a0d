r"""Prepare images, depth and other modalities of your own, and write a config.

python tools/dataset_converters/from_folders.py data/mine --rgb DIR --depth DIR \
    --label DIR --depth-unit 0.001 [--modality thermal=DIR:suffix=.png:scale=0.01] \
    [--classes NAMES] [--val-list FILE]
python tools/train.py data/mine/config.py
python tools/dataset_converters/from_folders.py data/mine --check

Files belong together if their paths below the folders are the same up to the suffix:
`--depth-suffix _depth.png` if `a/1_depth.png` is the depth of `a/1.jpg`. All files of a
sample must have one size, registered to each other; the contact sheet shows whether
they are. Depth is one channel of integers or floats, in the stated unit; any other
modality is images or `.npy` arrays of any type and number of channels. Labels, images
or `.npy`, are the indices of the classes, from 0, or from 1 with --reduce-zero-label.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from common_options import called, make_parser, positive

#: What is done about orientation tags: mmseg_cen.modality.ORIENTATIONS.
ORIENTATIONS = ('apply', 'ignore')


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this tool, beside those that all converters have."""
    for folder, suffix, what in [
        ('--rgb', '--rgb-suffix', 'images'),
        ('--depth', '--depth-suffix', 'depth'),
        ('--label', '--label-suffix', 'labels'),
    ]:
        parser.add_argument(folder, metavar='DIR', help=f'folder of the {what}')
        parser.add_argument(
            suffix, help=f'how the names of the {what} end after the stem'
        )
    parser.add_argument('--depth-unit', type=float, help='meters per stored unit')
    parser.add_argument(
        '--depth-invalid',
        metavar='VALUE,...',
        help='stored values of no depth, besides 0 and NaN: 65535, -1 or a range, '
        '60000..65535; if the first is negative, --depth-invalid=-1,65535',
    )
    parser.add_argument(
        '--plausible-depth',
        type=float,
        nargs=2,
        metavar=('NEAR', 'FAR'),
        help='meters between which the median depth lies; default: as in rooms, 0.7 8',
    )
    parser.add_argument(
        '--resize',
        action='store_true',
        help='resize depth of another size to its image, by the nearest pixel',
    )
    parser.add_argument(
        '--orientation',
        choices=ORIENTATIONS,
        help='turn images, depth and labels as their orientation tags (EXIF) say, as '
        'viewers do, or not; default: not, with a warning',
    )
    parser.add_argument(
        '--modality',
        action='append',
        default=[],
        metavar='NAME=DIR[:KEY=VALUE]...',
        help='another modality; keys are suffix, scale (physical units per stored '
        'unit), invalid (stored values of no measurement, separated by commas), fill, '
        'interpolation, resize (1: to the size of the first modality) and '
        'orientation. Give it again for each modality',
    )
    parser.add_argument('--classes', help='their names: a file, or separated by commas')
    parser.add_argument('--num-classes', type=int, help='instead of --classes')
    parser.add_argument(
        '--ignore-label',
        type=int,
        help='label of void; default: 255, or 65535 of more than 255 classes',
    )
    parser.add_argument(
        '--reduce-zero-label',
        action='store_true',
        help='classes count from 1, 0 is void',
    )
    parser.add_argument(
        '--label-map',
        metavar='STORED:CLASS,...',
        help='classes of the stored labels: 0:0,255:1 for masks of a foreground, '
        '7:0,11:1,*:void to choose some; if the first is negative, --label-map=-1:void',
    )
    parser.add_argument(
        '--val-share',
        type=float,
        default=0.2,
        help='share of the samples for validation, drawn at random (default: 0.2)',
    )
    parser.add_argument(
        '--val-list',
        help='file with the stems for validation, instead of a random share',
    )
    parser.add_argument(
        '--long-side',
        type=positive,
        default=160,
        help='of the images the config trains on, pixels; default: 160',
    )
    parser.add_argument(
        '--config',
        help='without --label: the config of a trained network, which is to predict '
        'the labels',
    )


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__, source=False)
    add_options(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

from own_config import kept_config, write_config
from own_labels import require_two
from own_plan import make_plan
from own_prediction import check_network, write_prediction

from mmseg_cen.door import as_tool
from mmseg_cen.preparation import Plan, check, prepare, read_meta


def check_classes(out: Path) -> None:
    """Refuse prepared samples of which nothing can be learned.

    Raises:
        ValueError: If a list is empty, less than two classes occur, or none of them in
            the training images.
    """
    meta = read_meta(out)
    if empty := [f'{split}.txt' for split, n in meta['splits'].items() if not n]:
        raise ValueError(
            f'training and validation must have samples, got none in {empty[0]}, as '
            'all of its samples are bad: repair their files, or choose others by '
            '--val-list'
        )
    void = meta['folders']['label']['ignore_index']
    labels = {int(label) for s in meta['samples'] for label in s['stats']['label']}
    require_two(len(labels - {void}), void in labels)
    train = [s for s in meta['samples'] if s['split'] == 'train']
    if all({*sample['stats']['label']} == {str(void)} for sample in train):
        raise ValueError(
            f'labels of the training images must have classes, got void alone in all '
            f'{len(train)} of train.txt: choose others by --val-list'
        )


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    out = Path(args.out)
    if args.check:
        return check(out, args.jobs)
    if args.config is not None and args.label is not None:
        raise ValueError(
            '`--config` must be given without --label, got both: leave one out'
        )
    plan = make_plan(args)
    if args.config is not None:
        check_network(args.config, plan.folders)
    with kept_config(out):
        status = prepare(
            plan, out, jobs=args.jobs, skip_bad=args.skip_bad, strict=args.strict
        )
        if status == 0:
            finish(out, plan, args, sys.argv[1:] if argv is None else argv)
    return status


def finish(
    out: Path, plan: Plan, args: argparse.Namespace, words: Sequence[str]
) -> None:
    """Write the config of a prepared folder, and print the command that is next.

    Args:
        out: The folder.
        plan: What it was prepared by.
        args: The command line.
        words: The words of the command line.
    """
    options = plan.options['modalities']
    if args.label is not None:
        check_classes(out)
        path = write_config(out, options, args.long_side)
        print(f'Train with: {called("train")} {shlex.quote(str(path))}')
    elif args.config is not None:
        print(f'Predict with: {write_prediction(out, options, args.config)}')
    else:
        print(
            'To predict the labels, name the config of a trained network: '
            f'{shlex.join(["python", sys.argv[0], *words])} --config CONFIG'
        )


if __name__ == '__main__':
    sys.exit(main())
