"""Groups of samples, such as the images of one camera, that are measured apart."""

import json
import os.path as osp
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmengine import fileio

from mmseg_cen.disk import decode_text


def find_groups(
    sources: Mapping[str, str],
    stems: Sequence[str],
    data_root: str | None = None,
    backend_args: dict[str, Any] | None = None,
) -> list[dict[str, str]]:
    """Find the group of each sample in each grouping, e.g. ``[{'camera': 'kv2'}]``.

    Args:
        sources: Where the groups of each grouping are found, see
            :class:`~mmseg_cen.datasets.MultimodalSegDataset`.
        stems: Stems of the samples.
        data_root: Folder of the files in ``sources``.
        backend_args: Arguments of the file backend.

    Raises:
        ValueError: If a sample has no group, or a source cannot be read.
        FileNotFoundError: If a file in ``sources`` is missing.
    """
    rows: list[dict[str, str]] = [{} for _ in stems]
    for grouping, source in sources.items():
        if source.endswith('.json'):
            find = _table(osp.join(data_root or '', source), backend_args)
        else:
            find = _pattern(source)
        for stem, groups in zip(stems, rows, strict=True):
            group = find(stem)
            if group is None:
                raise ValueError(
                    f'every sample must have a group in {grouping!r}, got none of '
                    f'sample {stem!r} from {source!r}: correct `groups`'
                )
            groups[grouping] = str(group)
    return rows


def _table(path: str, backend_args: dict[str, Any] | None) -> Callable[[str], Any]:
    if not fileio.isfile(path, backend_args=backend_args):
        raise FileNotFoundError(
            f'files of `groups` must exist, got {path}: correct `groups`'
        )
    text = decode_text(fileio.get(path, backend_args=backend_args), path)
    try:
        table = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{path} must hold JSON, got {error}: correct the file'
        ) from error
    if not isinstance(table, dict):
        raise ValueError(
            f'{path} must hold an object {{stem: group}}, got '
            f'{type(table).__name__}: correct the file'
        )
    return table.get


def _pattern(source: str) -> Callable[[str], str | None]:
    try:
        pattern = re.compile(source)
    except re.error as error:
        raise ValueError(
            '`groups` must name .json files or be regular expressions, got '
            f'{source!r}: correct it ({error})'
        ) from error

    def find(stem: str) -> str | None:
        match = pattern.search(stem)
        return match and match[min(1, pattern.groups)]

    return find
