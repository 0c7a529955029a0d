"""Sources of all modalities, paired to samples with names of their own."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmseg_cen.disk import is_hidden
from mmseg_cen.modality import Modality, main_modality
from mmseg_cen.transforms.given import Source
from mmseg_cen.visualization import unique_names

from .sources import (
    Frame,
    Sources,
    as_source,
    is_mapping_of,
    names_in,
    of_archive,
    sources_of,
)

_MAX_NAMED = 5


@dataclass(frozen=True)
class Given:
    """A sample that was given.

    Args:
        name: Different from those of the others; may have folders.
        items: What was given of each modality that is there.
    """

    name: str
    items: dict[str, Any]

    def sources(self, names: Sequence[str]) -> dict[str, Source]:
        """Files and arrays by modality; frames of videos and archives are read here."""
        if '' in self.items:
            return of_archive(self.items[''], names) or {}
        return {name: as_source(item) for name, item in self.items.items()}

    def present(self, names: Sequence[str]) -> list[str]:
        """Those modalities out of ``names`` that it has."""
        items = self.items if '' not in self.items else names_in(self.items[''], names)
        return [name for name in names if name in items]

    def files(self) -> Iterator[str]:
        """Paths of its files."""
        for item in self.items.values():
            if isinstance(item, (str, os.PathLike)):
                yield str(item)
            elif isinstance(item, Frame):
                yield item.video.path


def collect(inputs: Any, modalities: Mapping[str, Modality]) -> list[Given]:
    """Pair what was given to samples.

    Folders and patterns are paired by stem, with the folders below them, and what is
    not paired is named in a warning; lists of files by stem if the stems are alike,
    else as arrays and frames of videos, by their order. With frames, files of a folder
    are in the order of the numbers in their names.

    Args:
        inputs: Sources under the name of each modality, see
            :func:`~mmseg_cen.inference.sources.sources_of`; a ``.npz`` file with an
            array under each name, or a folder of such; or a list of samples.
        modalities: Those of the network.

    Raises:
        ValueError: If modalities are unknown, or their numbers differ.
        FileNotFoundError: If a file does not exist.
    """
    names = list(modalities)
    if is_mapping_of(inputs, names):
        present = {name: one for name, one in inputs.items() if one is not None}
        if present:
            return _pair(present, modalities)
    if isinstance(inputs, (str, os.PathLike)):
        return _of_archives(sources_of('inputs', inputs), names)
    if isinstance(inputs, Sequence) and inputs:
        found = [
            one
            for part in inputs
            for one in (
                [Given('', {k: v for k, v in part.items() if v is not None})]
                if is_mapping_of(part, names)
                else collect(part, modalities)
            )
        ]
        return _numbered([one.items for one in found], modalities)
    got = sorted(map(str, inputs)) if isinstance(inputs, Mapping) else repr(inputs)[:99]
    raise ValueError(
        f'`inputs` must be files or arrays of each of {names}, got {got}: write '
        f'dict({", ".join(f"{name}=…" for name in names)})'
    )


def _of_archives(sources: Sources, names: list[str]) -> list[Given]:
    for item in sources.items:
        if not names_in(str(item), names):
            raise ValueError(
                f'`inputs` must be .npz files with an array under each of {names}, or '
                f'a dict of files of each, got {item!r}: write '
                f'dict({", ".join(f"{name}=…" for name in names)})'
            )
    keys = sources.keys or [Path(str(item)).stem for item in sources.items]
    pairs = zip(keys, sources.items, strict=True)
    return [Given(key, {'': str(item)}) for key, item in pairs]


def _pair(inputs: Mapping[str, Any], modalities: Mapping[str, Modality]) -> list[Given]:
    found = {
        name: sources_of(name, inputs[name], modalities[name].suffix)
        for name in modalities
        if name in inputs
    }
    keyed = [sources for sources in found.values() if sources.keys is not None]
    if len(keyed) == len(found):
        by_stem = _pair_by_stem(found, modalities)
        if by_stem is not None:
            return by_stem
    counts = {name: len(sources.items) for name, sources in found.items()}
    if len({*counts.values()}) > 1:
        said = ', '.join(f'{n} of {found[name].what}' for name, n in counts.items())
        raise ValueError(
            f'modalities must have as many files or frames as each other, got {said}: '
            'remove those without a partner'
        )
    columns = [sources.ordered for sources in found.values()]
    rows = [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]
    return _numbered(rows, modalities)


def _pair_by_stem(
    found: Mapping[str, Sources], modalities: Mapping[str, Modality]
) -> list[Given] | None:
    """Samples of equal keys; None if lists have no key in common."""
    keys = [dict.fromkeys(sources.keys or []) for sources in found.values()]
    common = dict.fromkeys(key for key in keys[0] if all(key in own for own in keys))
    are_folders = any(sources.is_folder for sources in found.values())
    alone = {
        name: [key for key in own if key not in common]
        for name, own in zip(found, keys, strict=True)
    }
    said = '; '.join(
        f'{len(own)} of {found[name].what}: {", ".join(own[:_MAX_NAMED])}'
        f'{", …" * (len(own) > _MAX_NAMED)}'
        for name, own in alone.items()
        if own
    )
    if not common:
        if not are_folders:
            return None
        raise ValueError(
            f'files of the modalities must have stems in common, got {said}: rename '
            'them, or name them by patterns whose stars match what is common '
            "('d/*_rgb.png', 'd/*_depth.png')"
        )
    if said:
        print_log(
            f'{len(common)} samples have files of all modalities. Left out, without a '
            f'partner, are {said}',
            'current',
            logging.WARNING,
        )
    columns = {
        name: dict(zip(sources.keys or [], sources.items, strict=True))
        for name, sources in found.items()
    }
    rows = [{name: column[key] for name, column in columns.items()} for key in common]
    if any(not key or is_hidden(key) for key in common):  # 'a*.png' has '' of a.png
        return _numbered(rows, modalities)
    return [Given(key, row) for key, row in zip(common, rows, strict=True)]


def _numbered(
    rows: Sequence[dict[str, Any]], modalities: Mapping[str, Modality]
) -> list[Given]:
    """Samples named by the file of the main modality, or by their number."""
    mains = [_main_item(row, modalities) for row in rows]
    paths = [str(m) if isinstance(m, (str, os.PathLike)) else None for m in mains]
    short = unique_names(path for path in paths if path is not None)
    names = []
    for number, (main, path) in enumerate(zip(mains, paths, strict=True)):
        if path is not None:
            names.append(short[path])
        elif isinstance(main, Frame):
            names.append(f'{Path(main.video.path).stem}_{main.index:06d}')
        else:
            names.append(f'{number:06d}')
    if len({*names}) < len(names):  # a file that was given twice
        names = [f'{number:06d}_{name}' for number, name in enumerate(names)]
    return [Given(name, dict(row)) for name, row in zip(names, rows, strict=True)]


def _main_item(row: Mapping[str, Any], modalities: Mapping[str, Modality]) -> Any:
    main = main_modality(list(modalities))
    return row.get(main, next(iter(row.values())))
