r"""Choose samples of Taskonomy for image translation, verify and collect them.

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
import sys
from collections import Counter
from functools import partial, reduce
from operator import add
from pathlib import Path

from common_options import make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('--train', type=int, default=1000, help='number of samples')
    parser.add_argument('--val', type=int, default=500, help='number of samples')
    parser.add_argument('--seed', type=int, default=0, help='of the draw')
    parser.add_argument(
        '--domains',
        nargs='+',
        help='names of Taskonomy or of the paper (depth, edge, texture, shade, '
        'curvature); default: all that the download has',
    )
    parser.add_argument(
        '--size',
        type=int,
        help='side of the images, 512 officially; default: any that the domains agree '
        'upon',
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

from taskonomy_draw import MASK, choose, divide, examine, scan, usual_formats

from mmseg_cen.door import as_tool
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    run,
)
from mmseg_cen.translation.taskonomy import ALIASES

STATISTICS = 'statistics.json'
SPLITS = ('train', 'val')


def convert(sample: Sample) -> dict[str, bytes]:
    """The files of a sample as they are."""
    return {name: Path(path).read_bytes() for name, path in sample.source.items()}


def plan(source: Path, args: argparse.Namespace) -> Plan:
    """Choose the samples, and compute the statistics of their domains."""
    if min(args.train, args.val) < 0:
        raise ValueError(
            f'`--train` and `--val` must not be negative, got {args.train} and '
            f'{args.val}: give 0 or more'
        )
    found, problems = scan(source, Path(args.out))
    occur = Counter(domain for paths in found.values() for domain in paths)
    names = args.domains or sorted(occur, key=lambda name: (name != 'rgb', name))
    domains = list(dict.fromkeys(ALIASES.get(name, name) for name in names))
    if missing := [domain for domain in domains if domain not in occur]:
        raise ValueError(
            f'`--domains` must be domains of the download, got {missing}: choose from '
            f'{dict(occur)} in {source}'
        )
    complete = {s: paths for s, paths in found.items() if paths.keys() >= set(domains)}
    counts = dict(train=args.train, val=args.val)
    lists = divide(complete, counts, random.Random(args.seed))
    drawn = [complete[stem] for stems in lists.values() for stem in stems]
    formats = usual_formats(drawn, domains)
    look = partial(examine, formats, args.size)
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
            dtype=formats[domain][0],
            channels=formats[domain][1],
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


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, partial(plan, args=args))


if __name__ == '__main__':
    sys.exit(main())
