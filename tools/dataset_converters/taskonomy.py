"""Choose samples of Taskonomy for image translation, verify and collect them.

python tools/dataset_converters/taskonomy.py taskonomy data/taskonomy \
    --train 1000 --val 500 --domains rgb depth_euclidean normal

The download may be laid out in any of the usual ways, for a file tells its sample and
domain itself: {domain}/{building}/point_{p}_view_{v}_domain_{domain}.png (the first one
is what is written), {building}_{domain}/..., {building}/{domain}/... or {domain}/... .
Samples that have all domains are drawn at random, training and validation from
different buildings (of a single building, from different points). Files that cannot be
decoded, differ in size or are not stored like the others of their domain are reported,
and their samples replaced by others. Besides the lists, statistics.json has range, mean
and deviation of the stored values of each domain over the training samples, channels in
the order R, G, B, and the share of pixels without data. `--check` verifies a folder.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from pathlib import Path

import cv2
import numpy as np

from mmseg_cen.launch import exit_on_user_error
from mmseg_cen.preparation import (
    Folder,
    PixelStatistics,
    Plan,
    Sample,
    make_parser,
    read_image,
    run,
)
from mmseg_cen.translation.taskonomy import ALIASES

NAME = re.compile(r'point_(\d+)_view_(\d+)_domain_(\w+)\.png')
MASK = 'mask_valid'  # its files are named as those of depth_zbuffer
# Folders of the sample models that are not named as the domain of their files.
OTHER_FOLDERS = {
    'taskonomy', 'curvature', 'depth', 'edge', 'edge2d', 'keypoint', 'keypoint2d',
    'mist', 'reshade', 'normals',
}  # fmt: skip
STATISTICS = 'statistics.json'
SPLITS = ('train', 'val')
# Stored type and channels, where that is known; other domains: as most of their files.
KNOWN = {
    'rgb': ('uint8', 3),
    'normal': ('uint8', 3),
    'depth_euclidean': ('uint16', 1),
    'depth_zbuffer': ('uint16', 1),
}


@dataclass(frozen=True)
class Choice:
    """A chosen sample.

    Args:
        stem: Building, if there are buildings, and point and view.
        split: 'train' or 'val'.
        files: Path of each domain.
        statistics: Statistics of each domain.
    """

    stem: str
    split: str
    files: Mapping[str, Path]
    statistics: Mapping[str, PixelStatistics]


def scan(root: Path) -> tuple[dict[str, dict[str, Path]], list[str]]:
    """Path of each domain of each stem, and what is wrong with the names."""
    found: dict[str, dict[str, Path]] = {}
    problems = []
    for path in sorted(root.rglob('*.png')):
        match = NAME.fullmatch(path.name)
        if not match:
            continue
        folders = path.relative_to(root).parts[:-1]
        domain = MASK if any(MASK in folder for folder in folders) else match[3]
        own = {domain, match[3], *OTHER_FOLDERS}
        building = '/'.join(
            folder.removesuffix(f'_{domain}') for folder in folders if folder not in own
        )
        stem = f'{building}/'.lstrip('/') + f'point_{match[1]}_view_{match[2]}'
        paths = found.setdefault(stem, {})
        if domain in paths:
            problems.append(
                f'{stem} must have one file of {domain}, got {paths[domain]} and {path}'
            )
        paths[domain] = path
    return found, problems


def has_data(domain: str, image: np.ndarray) -> np.ndarray:
    """Mask (H, W) of the pixels that the renderer has found a surface at.

    Of depth, 65535 stands for none; of normals, where 127 means 0, grey.
    """
    if domain.startswith('depth'):
        return image < 65535
    if domain == 'normal':
        return np.linalg.norm(image / 127 - 1, axis=-1) >= 0.5
    return np.ones(image.shape[:2], bool)


def kind_of(image: np.ndarray) -> tuple[str, int]:
    """Type and number of channels of an image."""
    return str(image.dtype), np.atleast_3d(image).shape[2]


def usual_kinds(
    candidates: Sequence[Mapping[str, Path]], domains: Sequence[str]
) -> dict[str, tuple[str, int]]:
    """How each domain is stored: as it is known, else as most of some files."""
    kinds = {}
    for domain in domains:
        seen: Counter[tuple[str, int]] = Counter()
        for paths in [] if domain in KNOWN else candidates[:20]:
            try:
                seen[kind_of(read_image(paths[domain]))] += 1
            except (OSError, ValueError):
                continue  # reported when it is examined
        usual = seen.most_common(1)
        kinds[domain] = usual[0][0] if usual else KNOWN.get(domain, ('uint8', 3))
    return kinds


def examine(
    kinds: Mapping[str, tuple[str, int]], size: int | None, paths: Mapping[str, Path]
) -> dict[str, PixelStatistics] | str:
    """Statistics of the files of a sample, or what is wrong with one of them."""
    statistics = {}
    shape = None if size is None else (size, size)
    for domain, kind in kinds.items():
        path = paths[domain]
        try:
            image = read_image(path)
        except (OSError, ValueError, cv2.error) as error:
            return str(error)
        if kind_of(image) != kind:
            return f'{path} must be {kind[0]} with {kind[1]} channel(s), got ' + (
                f'{image.dtype} of shape {image.shape}'
            )
        shape = shape or image.shape[:2]
        if image.shape[:2] != shape:
            return f'{path} must have the size {shape}, got {image.shape[:2]}'
        if image.ndim == 3:
            image = np.concatenate([image[..., 2::-1], image[..., 3:]], axis=-1)
        statistics[domain] = PixelStatistics.of(image, has_data(domain, image))
    return statistics


def divide(
    stems: Iterable[str], counts: Mapping[str, int], rng: random.Random
) -> dict[str, list[str]]:
    """Candidates of each list in random order, without a common building or point."""
    stems = sorted(stems)
    places = {stem: stem.rpartition('/')[0] for stem in stems}
    if len(set(places.values())) == 1:
        places = {stem: stem.rpartition('_view_')[0] for stem in stems}
    order = sorted(set(places.values()))
    rng.shuffle(order)
    sizes = Counter(places.values())
    filled = dict.fromkeys(counts, 0)
    owner = {}
    for place in order:
        # To the list that lacks most.
        split = min(
            filled, key=lambda s: filled[s] / counts[s] if counts[s] else np.inf
        )
        owner[place] = split
        filled[split] += sizes[place]
    lists = {
        split: [stem for stem in stems if owner[places[stem]] == split]
        for split in counts
    }
    for candidates in lists.values():
        rng.shuffle(candidates)
    return lists


def choose(
    found: Mapping[str, Mapping[str, Path]],
    lists: Mapping[str, Sequence[str]],
    counts: Mapping[str, int],
    look: Callable[[Mapping[str, Path]], dict[str, PixelStatistics] | str],
    jobs: int,
) -> tuple[list[Choice], list[str]]:
    """The first sound samples of each list, and what is wrong with others."""
    choices: list[Choice] = []
    bad = []
    with ThreadPoolExecutor(jobs) as executor:  # decoding does not hold the lock
        for split, stems in lists.items():
            number = 0
            for start in range(0, len(stems), 64):
                if number >= counts[split]:
                    break
                batch = stems[start : start + 64]
                for stem, result in zip(
                    batch, executor.map(look, [found[s] for s in batch]), strict=True
                ):
                    if isinstance(result, str):
                        bad.append(f'left out {stem}: {result}')
                    elif number < counts[split]:
                        choices.append(Choice(stem, split, found[stem], result))
                        number += 1
                print(f'{split}: examined {start + len(batch)}, {number} sound of '
                      f'{counts[split]} wanted', file=sys.stderr)  # fmt: skip
    return choices, bad


def convert(sample: Sample) -> dict[str, bytes]:
    """The files of a sample as they are."""
    return {name: Path(path).read_bytes() for name, path in sample.source.items()}


def plan(source: Path, args: argparse.Namespace) -> Plan:
    """Choose the samples, and compute the statistics of their domains."""
    if min(args.train, args.val) < 0:
        raise ValueError(
            f'--train and --val must not be negative, got {args.train} and {args.val}'
        )
    found, problems = scan(source)
    occur = Counter(domain for paths in found.values() for domain in paths)
    names = args.domains or sorted(occur, key=lambda name: (name != 'rgb', name))
    domains = list(dict.fromkeys(ALIASES.get(name, name) for name in names))
    if missing := [domain for domain in domains if domain not in occur]:
        raise ValueError(
            f'the download has no domain {missing}: found {dict(occur)} in {source}'
        )
    complete = {s: paths for s, paths in found.items() if paths.keys() >= set(domains)}
    counts = dict(train=args.train, val=args.val)
    lists = divide(complete, counts, random.Random(args.seed))
    drawn = [complete[stem] for stems in lists.values() for stem in stems]
    kinds = usual_kinds(drawn, domains)
    look = partial(examine, kinds, args.size)
    choices, warnings = choose(complete, lists, counts, look, args.jobs)
    if incomplete := len(found) - len(complete):
        warnings.append(
            f'{incomplete} of {len(found)} samples lack a domain; files of each: '
            + ', '.join(f'{domain} {occur[domain]}' for domain in domains)
        )
    for split, count in counts.items():
        number = sum(choice.split == split for choice in choices)
        if number < count:
            warnings.append(f'{split} has {number} samples, {count} were wanted')
    if complete and len({stem.rpartition('/')[0] for stem in complete}) == 1:
        warnings.append('train and val show the same building, at different points')
    if found and not choices:
        warnings, problems = [], problems + warnings
    statistics = {}
    for domain in domains:
        parts = [c.statistics[domain] for c in choices if c.split == 'train']
        if parts:
            statistics[domain] = reduce(add, parts).summary()
    folders = {
        domain: Folder(
            suffix=f'_domain_{"depth_zbuffer" if domain == MASK else domain}.png',
            dtype=kinds[domain][0],
            channels=kinds[domain][1],
        )
        for domain in domains
    }
    samples = []
    for choice in sorted(choices, key=lambda choice: choice.stem):
        files = {domain: str(choice.files[domain]) for domain in domains}
        building = choice.stem.rpartition('/')[0]
        groups = dict(building=building) if building else {}
        samples.append(
            Sample(choice.stem, choice.split, files, tuple(files.values()), groups)
        )
    return Plan(
        'Taskonomy',
        folders,
        samples,
        convert,
        dict.fromkeys(SPLITS),
        options=dict(domains=domains),
        warnings=warnings,
        problems=problems,
        extras={STATISTICS: (json.dumps(statistics, indent=1) + '\n').encode()},
    )


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument('--train', type=int, default=1000, help='number of samples')
    parser.add_argument('--val', type=int, default=500, help='number of samples')
    parser.add_argument('--seed', type=int, default=0, help='of the draw')
    parser.add_argument(
        '--domains',
        nargs='+',
        help="Taskonomy's names or those of the paper (depth, edge, texture, shade, "
        'curvature); default: all that the download has',
    )
    parser.add_argument(
        '--size',
        type=int,
        help='side of the images, 512 officially; default: any that the domains agree '
        'upon',
    )
    args = parser.parse_args(argv)
    with exit_on_user_error():
        return run(args, partial(plan, args=args))


if __name__ == '__main__':
    sys.exit(main())
