"""The labels of own data: how they are read, and the names of their classes."""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from own_files import is_array, read_array, turned

from mmseg_cen.datasets.classes import IGNORED as VOID
from mmseg_cen.datasets.classes import IGNORED_OF_MANY, choose_ignore_index
from mmseg_cen.disk import read_text
from mmseg_cen.preparation import check_labels, read_indices

REST = '*'  # of a label map: all values that it does not name
LabelMap = Mapping[int | str, int | None]


@dataclass
class LabelReader:
    """Read labels from 0 on, 255 for void, or 65535 of more than 255 classes.

    Args:
        reduce_zero_label: Whether the classes count from 1, and label 0 is void.
        ignore: The stored label of void; None: the same that is written.
        label_map: The class of each stored label, or None for void, and of all others
            under :data:`REST`; empty if classes are stored as they are.
        num_classes: Number of classes; None as long as it is not known.
        orientation: 'apply' turns images as their orientation tags say.
    """

    reduce_zero_label: bool
    ignore: int | None
    label_map: LabelMap
    num_classes: int | None = None
    orientation: str | None = None

    @property
    def void(self) -> int:
        """The label of void that is written."""
        return choose_ignore_index(None, self.num_classes or 0)

    @property
    def dtype(self) -> str:
        """The type that is written."""
        return 'uint8' if self.void == VOID else 'uint16'

    def read(self, path: str) -> NDArray[Any]:
        """Labels (H, W) of a file.

        Raises:
            ValueError: If they are no indices of classes.
        """
        return self.classes(path, self.stored(path))

    def stored(self, path: str) -> NDArray[np.int64]:
        """Labels (H, W) as a file has them.

        Raises:
            ValueError: If they are no integers of one channel.
        """
        if is_array(path):
            labels: NDArray[Any] = read_array(path)
        else:
            labels = turned(read_indices(path), path, self.orientation)
        if labels.ndim == 3 and labels.shape[2] == 1:
            labels = labels[..., 0]
        if labels.ndim != 2 or labels.dtype.kind not in 'bui':
            colors = ', colors of classes' if labels.ndim == 3 else ''
            raise ValueError(
                f'{path}: labels must be the index of the class of each pixel, one '
                f'channel of integers, got {labels.dtype} of shape {labels.shape}'
                f'{colors}: convert them'
            )
        return labels.astype(np.int64)

    def classes(self, path: str, stored: NDArray[np.int64]) -> NDArray[Any]:
        """Classes and void of stored labels.

        Raises:
            ValueError: If some are neither.
        """
        ignore = self.void if self.ignore is None else self.ignore
        if self.label_map:
            return self._mapped(path, stored, ignore)
        first = int(self.reduce_zero_label)
        void = stored == ignore
        if self.reduce_zero_label:
            void |= stored == 0
        last = first + (self.num_classes or VOID) - 1
        check_labels(path, stored[~void], first, last, ignore)
        return np.where(void, self.void, stored - first).astype(self.dtype)

    def _mapped(
        self, path: str, labels: NDArray[np.int64], ignore: int
    ) -> NDArray[Any]:
        values, places = np.unique(labels, return_inverse=True)
        known = {ignore: None, **self.label_map}
        unknown = [value for value in values.tolist() if value not in known]
        if unknown and REST not in known:
            raise ValueError(
                f'{path}: labels must be in `--label-map`, got {unknown[:10]}: add '
                f'them, or {REST}:void for all others'
            )
        found = [known.get(value, known.get(REST)) for value in values.tolist()]
        table = [self.void if index is None else index for index in found]
        return np.array(table, self.dtype)[places].reshape(labels.shape)


def parse_label_map(text: str | None) -> LabelMap:
    """The map of ``STORED:CLASS,...``, where a class may be ``void``, a label ``*``.

    Raises:
        ValueError: If the text has another form.
    """
    label_map: dict[int | str, int | None] = {}
    for part in text.split(',') if text else ():
        found = re.fullmatch(r'\s*(-?\d+|\*)\s*:\s*(\d+|void)\s*', part)
        label, target = found.groups() if found else ('', '')
        stored = label if label == REST else int(label or 0)
        index = None if target == 'void' else int(target or 0)
        if found is None or (index or 0) >= IGNORED_OF_MANY or stored in label_map:
            raise ValueError(
                '`--label-map` must be STORED:CLASS, separated by commas, each label '
                'once, with classes from 0 or void, such as 0:0,255:1 or 7:0,*:void, '
                f'got {text!r}: correct {part!r}'
            )
        label_map[stored] = index
    return label_map


def class_names(
    given: str | None, num_classes: int | None, reader: LabelReader, files: Iterable
) -> tuple[list[str], list[str]]:
    """Names of the classes, and warnings about them.

    Args:
        given: The names: a file, or separated by commas. Before the names, there may
            be their indices from 0.
        num_classes: Their number, if there are no names; ``None``: they are counted.
        reader: Reads the files.
        files: All files of labels.

    Raises:
        ValueError: If there are less than two, or two of one name, or more are counted
            than 255.
    """
    named = [index for index in reader.label_map.values() if index is not None]
    if given:
        num_classes = len(names := read_names(given))
    if num_classes is not None and max(named, default=0) >= num_classes:
        raise ValueError(
            f'classes of `--label-map` must be 0..{num_classes - 1}, got {max(named)}: '
            'correct them'
        )
    if given:
        return names, []
    if num_classes is not None:
        if not 2 <= num_classes < IGNORED_OF_MANY:
            raise ValueError(
                f'`--num-classes` must be 2 to {IGNORED_OF_MANY - 1}, got '
                f'{num_classes}: correct it'
            )
        return [f'class_{k}' for k in range(num_classes)], []
    values: set[int] = set()
    if max(named, default=0) >= VOID:
        reader.num_classes = max(named) + 1
    for path in map(str, files):
        try:
            stored = np.unique(reader.stored(path))
        except (ValueError, OSError):
            continue  # is named when it is converted
        if not reader.label_map:
            require_few(path, stored[stored != reader.ignore])
        with suppress(ValueError):  # likewise
            values |= {*reader.classes(path, stored).tolist()}
    classes = sorted(values - {reader.void})
    if values:
        require_two(len(classes), reader.void in values)
    warnings = []
    first = int(reader.reduce_zero_label)
    if classes and len(classes) <= classes[-1] / 2:
        pairs = ','.join(f'{value + first}:{k}' for k, value in enumerate(classes))
        warnings.append(
            f'only {len(classes)} labels of {classes[-1] + 1} occur; --label-map '
            f'{pairs} makes them classes'
        )
    elif classes and classes[0] == 1 and not reader.label_map and not first:
        warnings.append(
            'label 0 does not occur: if classes count from 1, give --reduce-zero-label'
        )
    highest = max([*classes, *named], default=-1)
    return [f'class_{k}' for k in range(highest + 1)], warnings


def require_few(path: str, labels: NDArray[np.int64]) -> None:
    """Refuse to count labels as classes that are rather something else.

    Raises:
        ValueError: If a label is larger than 255.
    """
    highest = int(labels.max(initial=0))
    if highest > VOID:
        raise ValueError(
            f'{path}: labels must be 0..{VOID - 1} or {VOID}, unless --classes or '
            f'--num-classes is given, got {highest}: give one of them, or --label-map '
            f'of labels with gaps, or --ignore-label {highest} if that is void'
        )


def read_names(given: str) -> list[str]:
    """Names of classes: the lines of a file, or separated by commas.

    Raises:
        ValueError: If there are less than two, or two are the same.
    """
    lines = [given]
    if os.path.isfile(given):  # names of many classes are too long for a Path
        lines = [line for line in read_text(given).split('\n') if line.strip()]
    if len(lines) == 1:
        lines = lines[0].split(',')
    names = [line.strip().removesuffix(',') for line in lines if line.strip()]
    numbered = [re.fullmatch(r'(\d+)\s+(.+)', name) for name in names]
    if [m and int(m[1]) for m in numbered] == list(range(len(names))):
        names = [m[2] for m in numbered if m]
    if len(names) < 2 or len({*names}) < len(names):
        raise ValueError(
            '`--classes` must be two names at least, each once, separated by commas or '
            f'in the lines of a file, got {names}: correct them, or the path'
        )
    return names


def require_two(num_classes: int, is_void_there: bool) -> None:
    """Refuse data of which nothing can be learned.

    Args:
        num_classes: Number of the classes that occur.
        is_void_there: Whether void occurs.

    Raises:
        ValueError: If there are less than two classes.
    """
    if num_classes >= 2:
        return
    masks = (
        f'; of masks of 0 and {VOID} (binary masks), {VOID} is void unless you give '
        f'--label-map 0:0,{VOID}:1'
        if is_void_there
        else ''
    )
    raise ValueError(
        'labels must be of two classes at least, got '
        f'{"one class" if num_classes else "void"} alone in all files: correct them'
        + masks
    )
