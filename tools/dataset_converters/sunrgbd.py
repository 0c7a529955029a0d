"""Prepare SUN RGB-D.

python tools/dataset_converters/sunrgbd.py DOWNLOAD data/sunrgbd [--jobs N]
python tools/dataset_converters/sunrgbd.py data/sunrgbd --check

DOWNLOAD is a folder with `SUNRGBD.zip`, or what is in it as `SUNRGBD/`, and with
`SUNRGBDtoolbox/`, from https://rgbd.cs.princeton.edu (Data and Annotation). Of the
toolbox, `SUNRGBDMeta.mat`, `SUNRGBD2Dseg.mat` and `allsplit.mat` are read; they may
lie in DOWNLOAD itself, too, or SUNRGBDtoolbox/ beside kv1/, kv2/ and the others.

Written are `rgb` (the JPEG files as they are), `depth` (depth_bfx, in-painted) and
`depth_raw` in 1 mm, and `label` with 37 classes (255 is void). A sample is named by its
sequence, which begins with its camera: kv1, kv2, realsense or xtion.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common_options import make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser(__doc__).parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

from sunrgbd_files import (
    NUM_CLASSES,
    Reader,
    count_labels,
    open_zip,
    read_meta,
    read_splits,
)

from mmseg_cen.datasets import SUNRGBDDataset
from mmseg_cen.door import as_tool
from mmseg_cen.preparation import (
    READ_ERRORS,
    Folder,
    Plan,
    Sample,
    run,
)

OFFICIAL = dict(train=5285, val=5050)
VOID = 255
TOOLBOX = 'https://rgbd.cs.princeton.edu/data/SUNRGBDtoolbox.zip'
IMAGES = 'https://rgbd.cs.princeton.edu/data/SUNRGBD.zip'
# The later releases list the same samples in the same order.
META = ('SUNRGBDMeta.mat', 'SUNRGBDMeta2DBB_v2.mat', 'SUNRGBDMeta3DBB_v2.mat')
PLACES = (
    '', 'Metadata', 'traintestSUNRGBD', 'SUNRGBDtoolbox', 'SUNRGBDtoolbox/Metadata',
    'SUNRGBDtoolbox/traintestSUNRGBD',
)  # fmt: skip
MILLIMETERS = Folder(kind='depth', dtype='uint16', scale=1e-3, unit='1 mm')


def find_download(source: Path) -> tuple[dict[str, Path], list[str]]:
    """Paths of the parts of the download, and problems: the missing parts."""
    is_root = any((source / camera).is_dir() for camera in SUNRGBDDataset.CAMERAS)
    parents = [source]  # of the toolbox
    if (source / 'SUNRGBD').is_dir():
        root = source / 'SUNRGBD'
    elif source.is_file():
        root, parents = source, [source.parent]
    elif is_root:
        root, parents = source, [source, source.parent]
    else:
        root = source / 'SUNRGBD.zip'
    files, problems = {'images': root}, []
    if not root.exists():
        problems.append(f'neither {source / "SUNRGBD"} nor {root} exists: {IMAGES}')
    for part, names in dict(
        meta=META, labels=('SUNRGBD2Dseg.mat',), splits=('allsplit.mat',)
    ).items():
        paths = [
            parent / place / name
            for name in names
            for parent in parents
            for place in PLACES
        ]
        found = [path for path in paths if path.is_file()]
        if found:
            files[part] = found[0]
        else:
            problems.append(
                f'{names[0]} is missing in {" and ".join(map(str, parents))}, with '
                f'or without SUNRGBDtoolbox/: it is in {TOOLBOX}'
            )
    return files, problems


def find_samples(files: dict[str, Path]) -> tuple[list[Sample], list[str], list[str]]:
    """Samples in the order of the official lists, warnings and problems."""
    rows = read_meta(files['meta'])
    splits = read_splits(files['splits'])
    if (count := count_labels(files['labels'])) != len(rows):
        return [], [], [
            f'SUNRGBD2Dseg.mat has the labels of {count} samples, {files["meta"].name} '
            f'lists {len(rows)}: download them again'
        ]  # fmt: skip
    problems = _repeated('SUNRGBDMeta', [sequence for sequence, _, _ in rows])
    problems += _repeated(
        'allsplit.mat', [s for names in splits.values() for s in names]
    )
    index = {sequence: i for i, (sequence, _, _) in enumerate(rows)}
    root, samples, taken = files['images'], [], set()
    for split, sequences in splits.items():
        unknown = [sequence for sequence in sequences if sequence not in index]
        if unknown:
            problems.append(
                f'allsplit.mat lists {len(unknown)} sequences that '
                f'{files["meta"].name} does not have: {unknown[:5]}'
            )
        for sequence in (s for s in sequences if s in index):
            i = index[sequence]
            if i in taken:
                continue
            taken.add(i)
            _, rgb, depth = rows[i]
            paths = (
                f'{sequence}/image/{rgb}',
                f'{sequence}/depth/{depth}',
                f'{sequence}/depth_bfx/{depth}',
            )
            inputs = tuple(str(root / p) for p in paths) if root.is_dir() else ()
            samples.append(
                Sample(
                    sequence,
                    split,
                    source=(i, *paths),
                    inputs=inputs,
                    groups=dict(camera=SUNRGBDDataset.camera_of(sequence)),
                )
            )
    unused = len(rows) - len(samples)
    return samples, [f'{unused} samples are in no list'] if unused else [], problems


def _repeated(name: str, values: Sequence[str]) -> list[str]:
    twice = [value for value, count in Counter(values).items() if count > 1]
    return [f'{name} lists {len(twice)} sequences twice: {twice[:5]}'] if twice else []


def plan(source: Path) -> Plan:
    """Plan the conversion of the official download."""
    files, problems = find_download(source)
    samples: list[Sample] = []
    warnings: list[str] = []
    if not problems:
        try:
            if files['images'].is_file():
                open_zip(str(files['images']))
            samples, warnings, problems = find_samples(files)
        except READ_ERRORS as error:
            problems.append(str(error))
    return Plan(
        dataset='SUN RGB-D',
        folders=dict(
            rgb=Folder(channels=3, suffix='.jpg'),
            depth=MILLIMETERS,
            depth_raw=MILLIMETERS,
            label=Folder(kind='label', num_classes=NUM_CLASSES, ignore_index=VOID),
        ),
        samples=samples,
        convert=Reader(str(files['images']), str(files.get('labels', ''))),
        splits=OFFICIAL,
        sources=[str(path) for path in files.values() if path.is_file()],
        classes=SUNRGBDDataset.METAINFO['classes'],
        palette=SUNRGBDDataset.METAINFO['palette'],
        warnings=warnings,
        problems=problems,
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, plan)


if __name__ == '__main__':
    sys.exit(main())
