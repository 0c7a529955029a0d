"""Plans of downloads that have one file per sample in each of several folders.

A tool says, as an :class:`Official` for each folder to write, how the paths of the
official files are made of list and name of a sample, and how they are read. Every
sample that any of the folders has must be in all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen import disk
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    check_labels,
    read_image,
    read_indices,
    read_list,
    three_channels,
)

Array = NDArray[Any]


@dataclass(frozen=True)
class Official:
    """The official files of one folder to write.

    Args:
        folder: What is written.
        read: From the paths of one sample to its array.
        patterns: Paths below the download, with ``{split}`` and, last of their
            braces, ``{name}``; ``read`` gets one path for each.
        ends: Ends of the files that ``{name}`` may have behind the pattern, in small
            or capital letters; the first that exists is taken.
        optional: Lists without such files: ``read`` gets no path of their samples.
    """

    folder: Folder
    read: Callable[..., Array]
    patterns: Sequence[str]
    ends: Sequence[str] = ('.png',)
    optional: Sequence[str] = ()

    def paths(self, source: Path, split: str, name: str) -> list[str]:
        """The files of one sample, whether or not they exist."""
        found = []
        for pattern in self.patterns:
            stem = source / pattern.format(split=split, name=name)
            files = [stem.with_name(stem.name + end) for end in self._all_ends]
            found.append(str(next((f for f in files if f.is_file()), files[0])))
        return found

    def names(self, source: Path, split: str) -> set[str]:
        """Names of the samples of a list that have one of the files."""
        names = set()
        for pattern in self.patterns:
            folder, suffix = self._folder(source, split, pattern)
            for path in disk.find_files(folder) if folder.is_dir() else ():
                file = path.relative_to(folder).as_posix()
                for end in self._all_ends:
                    if file.endswith(suffix + end):
                        names.add(file.removesuffix(suffix + end))
        return names

    def missing_folders(self, source: Path, split: str) -> list[Path]:
        """Folders of a list that should exist and do not."""
        folders = (self._folder(source, split, p)[0] for p in self.patterns)
        return [folder for folder in folders if not folder.is_dir()]

    @property
    def _all_ends(self) -> list[str]:
        return [one for end in self.ends for one in (end, end.upper())]

    @staticmethod
    def _folder(source: Path, split: str, pattern: str) -> tuple[Path, str]:
        folder, _, suffix = pattern.partition('{name}')
        return source / folder.format(split=split), suffix


def read_color(path: str) -> Array:
    """An image as BGR (H, W, 3), without opacity; 16 bits become 8."""
    image = three_channels(read_image(path))
    if image.dtype == np.uint16:
        return np.rint(image / 257).astype(np.uint8)
    return image


def read_gray(path: str) -> Array:
    """An image of one channel (H, W), which may be stored three times.

    Raises:
        ValueError: If the file is damaged, or its channels differ.
    """
    image = np.atleast_3d(read_image(path))[..., :3]
    if (image != image[..., :1]).any():
        raise ValueError(
            f'{path} must have one channel, or equal ones, got an array of shape '
            f'{image.shape} whose channels differ: download it again'
        )
    return image[..., 0]


def read_label(
    path: str, low: int, high: int, classes: int, void: int | None = None
) -> Array:
    """Labels (H, W) whose classes are 0..classes - 1; all others become 255.

    Args:
        path: The file.
        low: Lowest stored label.
        high: Highest stored label; those of the classes are the last ones.
        classes: Number of classes.
        void: A stored label beyond ``high`` of pixels without a class.

    Raises:
        ValueError: If the file is damaged, or has other labels.
    """
    labels = read_indices(path)
    if labels.ndim == 3 and not (labels != labels[..., :1]).any():
        labels = labels[..., 0]
    if labels.ndim != 2:
        raise ValueError(
            f'{path} must have 1 channel, got an array of shape {labels.shape}: take '
            'the files of labels, not their colors'
        )
    check_labels(path, labels, low, high, void)
    first = high + 1 - classes
    known = (labels >= first) & (labels <= high)
    return np.where(known, labels.astype(np.int64) - first, 255).astype(np.uint8)


def convert(files: Mapping[str, Official], sample: Sample) -> dict[str, Array]:
    """Arrays of one sample, whose ``source`` has the number of paths of each folder."""
    paths, arrays, first = sample.inputs, {}, 0
    for (name, official), count in zip(files.items(), sample.source, strict=True):
        if count:
            arrays[name] = official.read(*paths[first : first + count])
        first += count
    for name in files.keys() - arrays.keys():  # of a list without labels
        size = next(iter(arrays.values())).shape[:2]
        arrays[name] = np.full(size, 255, np.uint8)
    return arrays


def plan_aligned(
    dataset: str,
    source: Path,
    files: Mapping[str, Official],
    splits: Mapping[str, int | None],
    classes: Mapping[str, Sequence[int]],
    *,
    nested: str = '',
    stem: str = '{split}/{name}',
    lists: str | None = None,
    groups: Callable[[str], dict[str, str]] | None = None,
    **options: Any,
) -> Plan:
    """Plan the conversion of a download of aligned files.

    Args:
        dataset: Name of the data set.
        source: The download.
        files: The official files, under the name of each folder to write.
        splits: The lists, and how many samples the official ones have, if known.
        classes: Color of each class.
        nested: Folder of the download that ``source`` may hold in place of the files.
        stem: Of the files that are written, with ``{split}`` and ``{name}``.
        lists: Path of the official lists of names, with ``{split}``. Without, all
            files are samples.
        groups: From the stem to the groups of a sample; a ``ValueError`` says that the
            name is wrong.
        **options: Passed to :class:`~mmseg_cen.preparation.Plan`.
    """
    source = source / nested if (source / nested).is_dir() else source
    samples, problems = [], []
    for split in splits:
        needed = {k: o for k, o in files.items() if split not in o.optional}
        gone = [f for o in needed.values() for f in o.missing_folders(source, split)]
        problems += [f'the folder {folder} is missing' for folder in gone]
        names: list[str] = []
        if lists is None:
            found = (o.names(source, split) for o in needed.values())
            names = sorted(set().union(*found))
        elif (path := source / lists.format(split=split)).is_file():
            names = read_list(path)
        else:
            problems.append(f'{path} is missing')
        for name in names:
            inputs = [
                needed[k].paths(source, split, name) if k in needed else []
                for k in files
            ]
            written = stem.format(split=split, name=name)
            try:
                of_sample = groups(written) if groups else {}
            except ValueError as error:
                problems.append(str(error))
                continue
            counts = tuple(len(paths) for paths in inputs)
            paths = tuple(chain.from_iterable(inputs))
            samples.append(Sample(written, split, counts, paths, of_sample))
    return Plan(
        dataset,
        {name: official.folder for name, official in files.items()},
        samples,
        partial(convert, files),
        splits,
        classes=list(classes),
        palette=[list(color) for color in classes.values()],
        problems=problems,
        **options,
    )
