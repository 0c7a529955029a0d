"""Names of output files."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
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
    stems = [name.with_suffix('') for name in names.values()]
    count = Counter(stems)
    return {
        path: (name if count[stem] > 1 else stem).as_posix()
        for (path, name), stem in zip(names.items(), stems, strict=True)
    }


class SampleNames:
    """Unique names of the samples of a data set, by their ``img_path``.

    Args:
        dataset: With ``get_data_info(index)`` and a length, like mmengine's data sets.
            Samples of any other are named by their whole paths.
    """

    def __init__(self, dataset: Any) -> None:
        infos: Iterable[dict[str, Any]] = ()
        if hasattr(dataset, 'get_data_info'):
            infos = (dataset.get_data_info(index) for index in range(len(dataset)))
        paths = [info['img_path'] for info in infos if 'img_path' in info]
        self._names = unique_names(dict.fromkeys(map(str, paths)))

    def __call__(self, sample: Any, default: str) -> str:
        """The name of a sample; ``default`` if it has no path."""
        path = sample.get('img_path')
        if path is None:
            return default
        if str(path) in self._names:
            return self._names[str(path)]
        file = PurePath(os.path.abspath(path))
        return file.relative_to(file.anchor).with_suffix('').as_posix()
