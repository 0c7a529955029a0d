"""Draw samples of Taskonomy that have all domains, with sound files."""

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmseg_cen.disk import find_files
from mmseg_cen.preparation import PixelStatistics, read_image

NAME = re.compile(r'point_(\d+)_view_(\d+)_domain_(\w+)\.png')
MASK = 'mask_valid'  # its files have names of depth_zbuffer
# Folders of the sample models that are not named as the domain of their files.
OTHER_FOLDERS = {
    'taskonomy', 'curvature', 'depth', 'edge', 'edge2d', 'keypoint', 'keypoint2d',
    'mist', 'reshade', 'normals',
}  # fmt: skip
# Stored type and channels of domains; others are stored as most of their files are.
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


def scan(root: Path, out: Path) -> tuple[dict[str, dict[str, Path]], list[str]]:
    """Path of each domain of each stem, and the problems of the names.

    The folder to write, ``out``, may lie within the download: it is left out.
    """
    found: dict[str, dict[str, Path]] = {}
    problems = []
    place, written = root.resolve(), out.resolve()
    inside = root / written.relative_to(place) if place in written.parents else None
    for path in sorted(find_files(root)):
        match = NAME.fullmatch(path.name)
        if not match or inside in path.parents:
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
    """Mask (H, W) of the pixels where the renderer found a surface.

    Elsewhere depth is 65535, and normals, whose zero is stored as 127, are gray.
    """
    if domain.startswith('depth'):
        return image < 65535
    if domain == 'normal':
        return np.linalg.norm(image / 127 - 1, axis=-1) >= 0.5
    return np.ones(image.shape[:2], bool)


def format_of(image: np.ndarray) -> tuple[str, int]:
    """Type and number of channels of an image."""
    return str(image.dtype), np.atleast_3d(image).shape[2]


def usual_formats(
    candidates: Sequence[Mapping[str, Path]], domains: Sequence[str]
) -> dict[str, tuple[str, int]]:
    """How each domain is stored: as is known, or as most of some files are."""
    formats = {}
    for domain in domains:
        seen: Counter[tuple[str, int]] = Counter()
        for paths in [] if domain in KNOWN else candidates[:20]:
            try:
                seen[format_of(read_image(paths[domain]))] += 1
            except (OSError, ValueError):
                continue  # reported when it is examined
        usual = seen.most_common(1)
        formats[domain] = usual[0][0] if usual else KNOWN.get(domain, ('uint8', 3))
    return formats


def examine(
    formats: Mapping[str, tuple[str, int]],
    size: int | None,
    paths: Mapping[str, Path],
) -> dict[str, PixelStatistics] | str:
    """Statistics of the files of a sample, or the problem of one of them."""
    statistics = {}
    shape = None if size is None else (size, size)
    for domain, (dtype, channels) in formats.items():
        path = paths[domain]
        try:
            image = read_image(path)
        except (OSError, ValueError, cv2.error) as error:
            return str(error)
        if format_of(image) != (dtype, channels):
            return (
                f'{path} must be {dtype} with {channels} channel(s), got {image.dtype} '
                f'of shape {image.shape}'
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
    """The first sound samples of each list, and the problems of the others."""
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
