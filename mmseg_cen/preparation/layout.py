"""The uniform layout of prepared data sets, and `meta.json`, which describes it.

A prepared data set is one folder::

    rgb/ depth/ [depth_raw/ ...] label[...]/   one file per sample, of the same stem
    train.txt val.txt                          stems, in the order of the official lists
    meta.json                                  what the files are, and their hashes
    report.txt contact_sheet.png               what was found, for people

`meta.json` comes last: a folder without it is unfinished. It holds ``dataset``,
``options``, ``classes`` and ``palette`` of the labels, ``folders`` (:class:`Folder`),
``splits`` (list name to number of samples), ``written`` (hashes of the other files that
people may edit) and ``samples`` (:class:`Record`).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.disk import read_text
from mmseg_cen.plausibility import DepthSummary

META = 'meta.json'
_MAX_SHOWN = 20


@dataclass(frozen=True)
class Folder:
    """What the files of one folder hold.

    Args:
        kind: ``'image'``, ``'depth'`` (0 is invalid), ``'values'`` of any modality (0
            is invalid if they have a ``unit``), or ``'label'``.
        suffix: End of the file names, with the dot.
        dtype: Type of the values.
        channels: 1 or 3 of images, any number of values.
        scale: Of depth, meters per stored unit; of inverse depth, 1/m per unit; of
            values, physical units per stored unit.
        unit: The unit in words, for the report.
        num_classes: Of labels: the values are 0..num_classes - 1 or ``ignore_index``.
        ignore_index: The label of void pixels, if there is one.
    """

    kind: str = 'image'
    suffix: str = '.png'
    dtype: str = 'uint8'
    channels: int = 1
    scale: float | None = None
    unit: str | None = None
    num_classes: int | None = None
    ignore_index: int | None = None

    def check(self, array: NDArray[Any]) -> None:
        """Raise a ValueError that says what ``array`` (H, W[, C]) should be."""
        channels = array.shape[2] if array.ndim == 3 else 1
        if array.dtype != self.dtype or channels != self.channels:
            raise ValueError(
                f'must be {self.dtype} with {self.channels} channel(s), got '
                f'{array.dtype} of shape {array.shape}: convert it'
            )
        if self.num_classes is not None:
            wrong = np.unique(array[array >= self.num_classes])
            wrong = wrong[wrong != self.ignore_index]
            if wrong.size:
                void = '' if self.ignore_index is None else f' or {self.ignore_index}'
                raise ValueError(
                    f'must hold 0..{self.num_classes - 1}{void}, got '
                    f'{wrong[:_MAX_SHOWN].tolist()}: correct the labels'
                )

    def summarize(self, array: NDArray[Any]) -> dict[str, Any]:
        """Numbers that add up to the statistics of the data set."""
        if self.kind == 'depth':
            valid = array[array > 0]
            return dict(
                pixels=array.size,
                valid=valid.size,
                low=int(valid.min()) if valid.size else None,
                high=int(valid.max()) if valid.size else None,
                saturated=int((array == np.iinfo(array.dtype).max).sum()),
                summary=DepthSummary.of(array, array > 0).as_dict(),
            )
        if self.kind == 'values':
            known = np.isfinite(array)
            if self.unit is not None:
                some = np.atleast_3d(array != 0).any(axis=-1)
                known &= some.reshape(*some.shape, *[1] * (array.ndim - 2))
            valid = array[known]
            return dict(
                pixels=array.size,
                valid=valid.size,
                low=valid.min().item() if valid.size else None,
                high=valid.max().item() if valid.size else None,
            )
        if self.kind == 'label':
            values, counts = np.unique(array, return_counts=True)
            return {
                str(v): n for v, n in zip(values.tolist(), counts.tolist(), strict=True)
            }
        return {}


@dataclass
class Record:
    """A finished sample, as the journal and `meta.json` hold it.

    Args:
        stem: The name of the sample in the lists.
        split: The list that names the sample.
        size: Height and width, pixels.
        groups: What the sample is counted under in tables, e.g. ``{'camera': 'kv2'}``.
        files: Length in bytes and hash of the sample's file in each folder.
        inputs: Length and hash of each official file that the sample was made from.
        stats: Statistics of each folder, see :meth:`Folder.summarize`.
    """

    stem: str
    split: str
    size: list[int]
    groups: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[Any]] = field(default_factory=dict)
    inputs: list[list[Any]] = field(default_factory=list)
    stats: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_meta(root: str | Path) -> dict[str, Any]:
    """Read `meta.json` of a prepared folder.

    Raises:
        FileNotFoundError: If there is no `meta.json`.
        ValueError: If `meta.json` is damaged.
    """
    path = Path(root) / META
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} must exist, got a folder that no tool of tools/dataset_converters '
            'prepared, or whose preparation was not finished: run the tool (again)'
        )
    try:
        meta: dict[str, Any] = json.loads(read_text(path))
        for folder in meta['folders'].values():
            Folder(**folder)
        dict(meta['splits'])
        for sample in meta['samples']:
            Record(**sample)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path} must be as a tool wrote it, got a damaged file ({error!r}): '
            'prepare the data set again'
        ) from error
    return meta


def read_groups(root: str | Path) -> dict[str, dict[str, str]]:
    """Groups of every sample of a prepared folder by stem; empty without meta.json."""
    if not (Path(root) / META).is_file():
        return {}
    return {s['stem']: s['groups'] for s in read_meta(root)['samples']}
