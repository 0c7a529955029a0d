"""Prepare MFNet (RGB and thermal images of streets, 9 classes).

python tools/dataset_converters/mfnet.py ir_seg_dataset data/mfnet

The download (https://www.mi.t.u-tokyo.ac.jp/static/projects/mil_multispectral/) has
images/*.png of four channels, the last of which is the thermal one, labels/*.png (0..8)
and the lists train.txt, val.txt and test.txt. Written are rgb/, thermal/, label/ and
the lists; `--check` verifies such a folder. Names that end with _flip, which a script
of the download adds to the lists, are mirrored copies: training flips at random anyway,
so they are left out without --keep-flipped.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from common_options import make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument(
        '--keep-flipped',
        action='store_true',
        help='write the mirrored copies of the lists, too',
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import numpy as np

from mmseg_cen.datasets.mfnet import COLORS, CONDITIONS
from mmseg_cen.door import as_tool
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    check_labels,
    read_image,
    read_indices,
    read_list,
    run,
)

FLIP = '_flip'
SPLITS = dict(train=784, val=392, test=393)  # without mirrored copies
FOLDERS = dict(
    rgb=Folder(channels=3),
    thermal=Folder(),
    label=Folder(kind='label', num_classes=len(COLORS)),
)


def convert(sample: Sample) -> dict[str, np.ndarray]:
    """Split an image into RGB and thermal, and mirror it if the name says so."""
    image_path, label_path = sample.inputs
    image, label = read_image(image_path), read_indices(label_path)
    if image.ndim != 3 or image.shape[2] != 4:
        raise ValueError(
            f'{image_path} must have 4 channels, RGB and thermal, got an array of '
            f'shape {image.shape}: download it again'
        )
    if label.ndim != 2:
        raise ValueError(
            f'{label_path} must have 1 channel, got an array of shape {label.shape}: '
            'download it again'
        )
    check_labels(label_path, label, 0, len(COLORS) - 1)
    if sample.stem.endswith(FLIP):
        image, label = image[:, ::-1], label[:, ::-1]
    return dict(rgb=image[..., :3], thermal=image[..., 3], label=label)


def plan(source: Path, keep_flipped: bool = False) -> Plan:
    """Find the samples of the lists."""
    nested = source / 'ir_seg_dataset'
    source = nested if nested.is_dir() else source
    samples, problems, left_out = [], [], 0
    for split in SPLITS:
        path = source / f'{split}.txt'
        if not path.is_file():
            problems.append(f'{path} is missing')
            continue
        for stem in read_list(path):
            if stem.endswith(FLIP) and not keep_flipped:
                left_out += 1
                continue
            name = stem.removesuffix(FLIP)
            if name[-1:] not in CONDITIONS:
                problems.append(
                    f'{path}: names must end with D (day) or N (night), got {stem}'
                )
                continue
            files = (
                source / 'images' / f'{name}.png',
                source / 'labels' / f'{name}.png',
            )
            samples.append(
                Sample(
                    stem,
                    split,
                    inputs=tuple(map(str, files)),
                    groups=dict(condition=CONDITIONS[name[-1]]),
                )
            )
    warnings = [f'left out {left_out} mirrored copies'] if left_out else []
    return Plan(
        'MFNet',
        FOLDERS,
        samples,
        convert,
        {split: None if keep_flipped else count for split, count in SPLITS.items()},
        options=dict(keep_flipped=keep_flipped),
        classes=list(COLORS),
        palette=list(COLORS.values()),
        warnings=warnings,
        problems=problems,
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, partial(plan, keep_flipped=args.keep_flipped))


if __name__ == '__main__':
    sys.exit(main())
