"""Names of output files."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any


def unique_names(paths: Iterable[str]) -> dict[str, str]:
    """A different name for each file: its path below their common folder.

    Files of one folder are named by their stems. Files of several folders keep the
    folders, so that equal stems do not meet: ``a/1.png, b/1.png`` become ``a/1, b/1``.
    Files that differ in nothing but the suffix keep it.

    Args:
        paths: Paths of files.

    Returns:
        Names by path, with ``/`` between folders and without suffix.
    """
    files = {path: PurePath(os.path.abspath(path)) for path in paths}
    if not files:
        return {}
    root = os.path.commonpath([file.parent for file in files.values()])
    names = {path: file.relative_to(root) for path, file in files.items()}
    count = Counter(name.with_suffix('') for name in names.values())
    short = {
        path: (name if count[name.with_suffix('')] > 1 else name.with_suffix(''))
        for path, name in names.items()
    }
    if len({*short.values()}) < len({*names.values()}):  # a.png, a.jpg and a.png.tif
        short = names
    return {path: name.as_posix() for path, name in short.items()}


class SampleNames:
    """Unique names of the samples of a data set, by their ``img_path``.

    Samples that share an image, such as one of several depth maps, have their number
    (``sample_idx``) behind the name.

    Args:
        dataset: With ``get_data_info(index)`` and a length, like mmengine's data sets.
            Samples of any other are named by their whole paths.
    """

    def __init__(self, dataset: Any) -> None:
        infos: list[dict[str, Any]] = []
        if hasattr(dataset, 'get_data_info'):
            infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        count = Counter(str(i['img_path']) for i in infos if 'img_path' in i)
        self._shared = {path for path in count if count[path] > 1}
        self._names = unique_names(count)
        names = [self(info, '') for info in infos if 'img_path' in info]
        flat = Counter(name.replace('/', '_') for name in {*names})
        self._twice = {name for name in flat if flat[name] > 1}
        self._names_used = names
        self._inputs = {os.path.realpath(p) for info in infos for p in _files(info)}

    def __call__(self, sample: Any, default: str) -> str:
        """The name of a sample; ``default`` if it has no path."""
        path = sample.get('img_path')
        if path is None:
            return default
        if str(path) in self._names:
            name = self._names[str(path)]
            number = sample.get('sample_idx')
            shared = str(path) in self._shared and number is not None
            return f'{name}_{number}' if shared else name
        file = PurePath(os.path.abspath(path))
        return file.relative_to(file.anchor).with_suffix('').as_posix()

    def flat(self, name: str) -> str:
        """A name without folders, as different from the others as ``name`` is."""
        flat = name.replace('/', '_')
        if flat in self._twice:  # a/b_c and a_b/c
            return name.replace('%', '%25').replace('/', '%2F')
        return flat

    def check(self, folder: str | Path, suffix: str = '.png') -> None:
        """Refuse to write over files of the data set.

        Raises:
            ValueError: If ``<folder>/<name><suffix>`` of a sample is such a file.
        """
        for name in self._names_used:
            path = Path(folder, f'{name}{suffix}')
            if os.path.realpath(path) in self._inputs:
                raise ValueError(
                    f'the folder to write must not hold files of the data set, got '
                    f'{str(folder)!r}, where {path} would be overwritten: choose '
                    'another folder'
                )


def _files(info: dict[str, Any]) -> Iterator[str]:
    """Paths of the files of a sample."""
    for key in ('img_path', 'seg_map_path'):
        if info.get(key) is not None:
            yield str(info[key])
    yield from map(str, info.get('modality_paths', {}).values())
