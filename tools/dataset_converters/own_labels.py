"""The labels of own data: how they are read, and the names of their classes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from own_files import is_array, read_array

from mmseg_cen.disk import read_text
from mmseg_cen.preparation import check_labels, read_indices

VOID = 255
REST = '*'  # of a label map: all values that it does not name


@dataclass
class LabelReader:
    """Read labels from 0 on, 255 for void.

    Args:
        reduce_zero_label: Whether the classes count from 1, and label 0 is void.
        ignore: The stored label of void.
        label_map: The class, or 255, of each stored label, and of all others under
            :data:`REST`; empty if classes are stored as they are.
        num_classes: Number of classes; 255 as long as it is not known.
    """

    reduce_zero_label: bool
    ignore: int
    label_map: Mapping[int | str, int]
    num_classes: int = VOID

    def read(self, path: str) -> NDArray[np.uint8]:
        """Labels (H, W) of a file.

        Raises:
            ValueError: If they are no indices of classes.
        """
        labels = read_array(path) if is_array(path) else read_indices(path)
        if labels.ndim != 2 or labels.dtype.kind not in 'bui':
            colors = ', colors of classes' if labels.ndim == 3 else ''
            raise ValueError(
                f'{path}: labels must be the index of the class of each pixel, one '
                f'channel of integers, got {labels.dtype} of shape {labels.shape}'
                f'{colors}: convert them'
            )
        labels = labels.astype(np.int64)
        if self.label_map:
            return self._mapped(path, labels)
        first = int(self.reduce_zero_label)
        void = labels == self.ignore
        if self.reduce_zero_label:
            void |= labels == 0
        last = first + self.num_classes - 1
        check_labels(path, labels[~void], first, last, self.ignore)
        return np.where(void, VOID, labels - first).astype(np.uint8)

    def _mapped(self, path: str, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        values, places = np.unique(labels, return_inverse=True)
        known = {self.ignore: VOID, **self.label_map}
        rest = known.get(REST)
        unknown = [value for value in values.tolist() if value not in known]
        if unknown and rest is None:
            raise ValueError(
                f'{path}: labels must be in `--label-map`, got {unknown[:10]}: add '
                f'them, or {REST}:void for all others'
            )
        table = [known.get(value, rest) for value in values.tolist()]
        return np.array(table, np.uint8)[places].reshape(labels.shape)


def parse_label_map(text: str | None) -> dict[int | str, int]:
    """The map of ``STORED:CLASS,...``, where a class may be ``void``, a label ``*``.

    Raises:
        ValueError: If the text has another form.
    """
    label_map: dict[int | str, int] = {}
    for part in text.split(',') if text else ():
        found = re.fullmatch(r'\s*(-?\d+|\*)\s*:\s*(\d+|void)\s*', part)
        label, target = found.groups() if found else ('', '')
        stored = label if label == REST else int(label or 0)
        index = VOID if target == 'void' else int(target or 0)
        if found is None or index > VOID or stored in label_map:
            raise ValueError(
                '`--label-map` must be STORED:CLASS, separated by commas, each label '
                'once, with classes 0..254 or void, such as 0:0,255:1 or 7:0,*:void, '
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
        ValueError: If they are counted, and there are less than two.
    """
    if given:
        is_file = Path(given).is_file()
        text = read_text(given) if is_file else given
        names = [name.strip() for name in text.replace('\n', ',').split(',')]
        names = [name for name in names if name]
        numbered = [re.fullmatch(r'(\d+)\s+(.+)', name) for name in names]
        if [m and int(m[1]) for m in numbered] == list(range(len(names))):
            return [m[2] for m in numbered if m], []
        return names, []
    if num_classes is not None:
        return [f'class_{k}' for k in range(num_classes)], []
    values: set[int] = set()
    for path in files:
        try:
            values |= {*np.unique(reader.read(str(path))).tolist()}
        except (ValueError, OSError):
            continue  # is named when it is converted
    classes = sorted(values - {VOID})
    if values:
        require_two(len(classes), VOID in values)
    warnings = []
    if classes and len(classes) <= classes[-1] / 2:
        first = int(reader.reduce_zero_label)
        pairs = ','.join(f'{value + first}:{k}' for k, value in enumerate(classes))
        warnings.append(
            f'only {len(classes)} labels of {classes[-1] + 1} occur; --label-map '
            f'{pairs} makes them classes'
        )
    named = [index for index in reader.label_map.values() if index != VOID]
    highest = max([*classes, *named], default=-1)
    return [f'class_{k}' for k in range(highest + 1)], warnings


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
