"""Prepare images and depth of your own camera, and write a config to train with.

python tools/dataset_converters/from_folders.py data/mine --rgb DIR --depth DIR \
    --label DIR --depth-unit 0.001 [--classes NAMES] [--val-list FILE]
python tools/train.py data/mine/config.py
python tools/dataset_converters/from_folders.py data/mine --check

Files belong together if their paths below the folders are the same up to the suffix:
`--depth-suffix _depth.png` if `a/1_depth.png` is the depth of `a/1.jpg`. Images, depth
and labels must have one size, registered to each other; the contact sheet shows whether
they are. Depth is PNG or TIFF of integers, or TIFF or `.npy` of floats, in the stated
unit. Labels, files of images or `.npy`, are the indices of the classes, from 0, or from
1 with --reduce-zero-label.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from own_config import OLD, set_aside, write_config
from own_files import ARRAYS, IMAGES, VOID, Reader, find, first_array, is_array

from mmseg_cen.door import as_tool
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    check,
    make_parser,
    prepare,
    read_list,
)
from mmseg_cen.visualization.panels import default_palette

PLAUSIBLE = (0.1, 200)  # meters


def match(folders: dict[str, dict[str, Path]]) -> dict[str, str | None]:
    """Stems in order, each with a message about missing files; None if all exist."""
    missing: dict[str, str | None] = {}
    for stem in sorted(set().union(*folders.values())):
        here = [name for name in folders if stem in folders[name]]
        gone = [name for name in folders if name not in here]
        missing[stem] = f'no {", ".join(gone)}, but {", ".join(here)}' if gone else None
    return missing


def split(
    missing: dict[str, str | None], val_share: float, val_list: str | None
) -> tuple[set[str], list[str]]:
    """Stems for validation, and the problems of their list.

    Args:
        missing: See :func:`match`.
        val_share: How many of the complete samples.
        val_list: File with the stems instead.

    Raises:
        ValueError: If none would be left for training, or for validation.
    """
    stems = [stem for stem, what in missing.items() if what is None]
    if val_list is not None:
        wanted = set(read_list(val_list))
        if unknown := sorted(wanted - set(missing)):
            return wanted, [
                f'{val_list} names {stem!r}, which does not exist' for stem in unknown
            ]
        if not 0 < len(wanted & set(stems)) < len(stems):
            raise ValueError(
                f'{val_list} must name some of the {len(stems)} complete samples, and '
                f'leave others for training, got {len(wanted & set(stems))} of them: '
                'correct the list'
            )
        return wanted, []
    if not 0 < val_share < 1:
        raise ValueError(
            f'`--val-share` must be within 0 and 1, got {val_share}: give a share '
            'between them, such as 0.2'
        )
    if len(stems) < 2:
        raise ValueError(
            f'complete samples must be two at least, got {len(stems)}: add others'
        )
    count = min(max(round(val_share * len(stems)), 1), len(stems) - 1)
    order = np.random.default_rng(0).permutation(len(stems))
    return {stems[i] for i in order[:count]}, []


def class_names(
    given: str | None, num_classes: int | None, reader: Reader, files: Sequence[Path]
) -> list[str]:
    """Names of the classes: given, in a file or separated by commas, or counted.

    Before the names, there may be their indices from 0.
    """
    if given:
        text = Path(given).read_text() if Path(given).is_file() else given
        names = [name.strip() for name in text.replace('\n', ',').split(',')]
        names = [name for name in names if name]
        numbered = [re.fullmatch(r'(\d+)\s+(.+)', name) for name in names]
        if [m and int(m[1]) for m in numbered] == list(range(len(names))):
            return [m[2] for m in numbered if m]
        return names
    if num_classes is None:
        highest = -1
        for path in files:
            try:
                labels = reader.read_labels(str(path))
            except (ValueError, OSError):
                continue  # is named when it is converted
            highest = max(
                highest, *(k for k in np.unique(labels).tolist() if k != VOID), -1
            )
        num_classes = highest + 1
    return [f'class_{k}' for k in range(num_classes)]


def make_plan(args: argparse.Namespace) -> Plan:
    """Plan the conversion of the folders."""
    folders = {
        name: find(getattr(args, name), getattr(args, f'{name}_suffix'), known)
        for name, known in dict(rgb=IMAGES, depth=ARRAYS, label=ARRAYS).items()
        if getattr(args, name) is not None
    }
    missing = match(folders)
    if all(missing.values()):
        raise ValueError(
            'names must agree up to the suffix, got no complete sample among '
            + ', '.join(str(next(iter(files.values()))) for files in folders.values())
            + ': say how the names end with '
            + ', '.join(f'--{name}-suffix' for name in folders)
        )
    val, problems = split(missing, args.val_share, args.val_list)
    first = first_array(list(folders['depth'].values()))
    endings = {path.suffix for path in folders['rgb'].values()}
    reader = Reader(
        unit=args.depth_unit,
        is_float=first.dtype.kind == 'f',
        invalid=args.depth_invalid,
        keep_rgb=len(endings) == 1 and endings <= {'.png', '.jpg'},
        reduce_zero_label=args.reduce_zero_label,
        ignore=args.ignore_label,
    )
    scale = 1e-3 if reader.is_float else args.depth_unit
    layout = dict(
        rgb=Folder(channels=3, suffix=endings.pop() if reader.keep_rgb else '.png'),
        depth=Folder(kind='depth', dtype='uint16', scale=scale, unit=f'{scale:g} m'),
    )
    classes: list[str] = []
    if 'label' in folders:
        classes = class_names(
            args.classes, args.num_classes, reader, list(folders['label'].values())
        )
        reader.num_classes = len(classes)
        layout['label'] = Folder(
            kind='label', num_classes=len(classes), ignore_index=VOID
        )
    samples = [
        Sample(
            stem,
            'val' if stem in val else 'train',
            source=what,
            inputs=tuple(str(f[stem]) for f in folders.values() if stem in f),
        )
        for stem, what in missing.items()
    ]
    return Plan(
        dataset='own data',
        folders=layout,
        samples=samples,
        convert=reader,
        splits=dict(train=None, val=None),
        options=dict(
            depth_unit=args.depth_unit,
            depth_invalid=args.depth_invalid,
            reduce_zero_label=args.reduce_zero_label,
            ignore_label=args.ignore_label,
        ),
        classes=classes,
        palette=default_palette(len(classes)),
        warnings=implausible_depth(first, args.depth_unit, args.depth_invalid),
        problems=problems,
        extras={'config.py': None},
    )


def implausible_depth(
    depth: NDArray[Any], unit: float, invalid: float | None
) -> list[str]:
    """A warning if the median of the first depth image cannot be meters."""
    valid = np.isfinite(depth) & (depth > 0)
    if invalid is not None:
        valid &= depth != invalid
    if not valid.any():
        return ['the first depth image has no valid pixel']
    median = float(np.median(depth[valid])) * unit
    if PLAUSIBLE[0] <= median <= PLAUSIBLE[1]:
        return []
    return [
        f'half of the first depth image is nearer than {median:.3g} m: is --depth-unit '
        f'{unit:g} (meters per stored unit) right?'
    ]


@as_tool
def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__, source=False)
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
        type=float,
        help='stored value of no depth, besides 0 and NaN',
    )
    parser.add_argument('--classes', help='their names: a file, or separated by commas')
    parser.add_argument('--num-classes', type=int, help='instead of --classes')
    parser.add_argument('--ignore-label', type=int, default=VOID, help='label of void')
    parser.add_argument(
        '--reduce-zero-label',
        action='store_true',
        help='classes count from 1, 0 is void',
    )
    parser.add_argument('--val-share', type=float, default=0.2)
    parser.add_argument(
        '--val-list',
        help='file with the stems for validation, instead of a random share',
    )
    parser.add_argument(
        '--long-side', type=int, default=160, help='of the images the config trains on'
    )
    args = parser.parse_args(argv)
    out = Path(args.out)
    if args.check:
        return check(out, args.jobs)
    needed = ('rgb', 'depth', 'depth_unit')
    if absent := [name for name in needed if getattr(args, name) is None]:
        options = ', '.join('--' + name.replace('_', '-') for name in absent)
        raise ValueError(f'{options} must be given, got none: see --help')
    if not 0 < args.depth_unit < np.inf:
        raise ValueError(
            f'`--depth-unit` must be positive and finite, got {args.depth_unit}: '
            'give the meters of one stored unit'
        )
    if is_array(args.rgb_suffix or ''):
        raise ValueError(
            f'`--rgb-suffix` must be of image files, got {args.rgb_suffix}: .npy '
            'is for depth and labels only'
        )
    plan = make_plan(args)
    set_aside(out)
    status = prepare(
        plan,
        out,
        jobs=args.jobs,
        skip_bad=args.skip_bad,
        strict=args.strict,
    )
    if status == 0 and args.label is not None:
        path = write_config(out, args.long_side)
        print(f'Train with: python tools/train.py {path}')
        if (out / OLD).is_file():
            print(f'The config that was there before is {out / OLD}')
    return status


if __name__ == '__main__':
    sys.exit(main())
