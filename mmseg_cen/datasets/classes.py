"""The classes of a data set, and what its labels stand for."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmseg_cen.disk import read_text

IGNORED = 255  # the toolbox's label of pixels without a class
IGNORED_OF_MANY = 65535  # where 255 is a class


def read_class_names(metainfo: Mapping[str, Any] | None) -> dict[str, Any]:
    """Meta information whose ``classes`` are names, if it has any.

    Args:
        metainfo: Its ``classes`` may be a file with a name in each line.

    Raises:
        ValueError: If ``classes`` are neither names nor such a file.
    """
    metainfo = dict(metainfo or {})
    classes = metainfo.get('classes')
    if isinstance(classes, str) and os.path.isfile(classes):
        lines = [line.strip() for line in read_text(classes).split('\n')]
        metainfo['classes'] = [line for line in lines if line]
    elif isinstance(classes, str) or not isinstance(classes, Sequence | None):
        names = tuple(name.strip() for name in str(classes).split(','))
        example = names if len(names) > 1 else ('wall', 'floor')
        raise ValueError(
            '`classes` must be a sequence of names, or a file with a name in each '
            f'line, got {classes!r}: write e.g. classes={example}'
        )
    return metainfo


def choose_ignore_index(
    ignore_index: int | None, num_classes: int, reduce_zero_label: bool = False
) -> int:
    """The label of pixels without a class: 255, or 65535 if there are many classes.

    Raises:
        ValueError: If 255 is given, and is a class; or a class at all where labels
            count from 1: label 0 would become a class, and that would be ignored.
    """
    if ignore_index is None:
        return IGNORED if num_classes <= IGNORED else IGNORED_OF_MANY
    if ignore_index == IGNORED < num_classes:
        raise ValueError(
            f'`ignore_index` must be no class, got {IGNORED} of {num_classes} classes: '
            f'give another to the data set, the heads and the metric, and as '
            f'`seg_pad_val` to the data_preprocessor, such as {IGNORED_OF_MANY}'
        )
    if reduce_zero_label and 0 <= ignore_index < max(num_classes, 1):
        raise ValueError(
            '`ignore_index` must be no class, got '
            f'{ignore_index} with reduce_zero_label=True, by which the stored label '
            f'{ignore_index + 1} is class {ignore_index}, and 0 is ignored: leave '
            '`ignore_index` out'
        )
    return ignore_index


def complete_label_map(
    label_map: Mapping[Any, int | None], num_classes: int, ignore_index: int
) -> dict[int, int]:
    """A map of stored labels to classes, with integers as keys, and None ignored.

    Args:
        label_map: Class of each stored label, None or ``ignore_index`` if it has none.
            Keys may be text: the copy of a config that mmengine writes has such.
        num_classes: K, or 0 if it is not known.
        ignore_index: Label of pixels without a class.

    Raises:
        ValueError: If it is no dict, a key is no integer, or a value no class.
    """
    if not isinstance(label_map, Mapping):
        raise ValueError(
            f'`label_map` must be a dict, got {label_map!r}: write e.g. '
            'label_map={0: 0, 255: 1}'
        )
    completed = {}
    for stored, label in label_map.items():
        try:
            key, value = int(stored), ignore_index if label is None else int(label)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'`label_map` must map stored integers to classes, got {stored!r}: '
                f'{label!r}: write e.g. label_map={{0: 0, 255: 1}}'
            ) from error
        if value != ignore_index and (value < 0 or value >= (num_classes or value + 1)):
            raise ValueError(
                f'`label_map` must map to 0..{num_classes - 1}, or to {ignore_index} '
                f'(ignored), got {stored!r}: {label!r}: correct it, or name all '
                '`classes`'
            )
        completed[key] = value
    return completed


def map_of_subset(
    label_map: Mapping[int, int] | None,
    whole: Mapping[str, Any],
    part: Mapping[str, Any],
    ignore_index: int,
) -> dict[int, int] | None:
    """The toolbox's map to some classes of a data set, with its own ignored label.

    Args:
        label_map: Number of the chosen class of each label. The toolbox writes 255 for
            those that are not chosen, and for the chosen class of this number.
        whole: Meta information with all classes.
        part: That with the chosen classes.
        ignore_index: Label of pixels without a class.
    """
    if label_map is None:
        return None
    chosen = {*part['classes']}
    known = {stored for stored, name in enumerate(whole['classes']) if name in chosen}
    return {
        stored: ignore_index if label == IGNORED and stored not in known else label
        for stored, label in label_map.items()
    }


def palette_of_subset(
    whole: Mapping[str, Any], part: Mapping[str, Any]
) -> list[Sequence[int]] | None:
    """The colors of some classes of a data set; None if it has no more colors.

    The toolbox's leave out that of the class 255.

    Args:
        whole: Meta information with all classes.
        part: That with the chosen classes, and perhaps the ``palette`` of all.
    """
    classes, chosen = whole.get('classes') or (), part.get('classes') or ()
    palette = part.get('palette') or ()
    if not len(chosen) < len(palette) == len(classes) or {*chosen} - {*classes}:
        return None
    colors = dict(zip(classes, palette, strict=True))
    return [colors[name] for name in chosen]
