"""Lists of samples, and checks of the files that they name."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from mmengine import fileio
from mmengine.fileio import list_from_file


def read_rows(
    ann_file: str,
    widths: Collection[int],
    rule: str,
    is_stem: Callable[[str], bool],
    backend_args: dict[str, Any] | None = None,
) -> Iterator[list[str]]:
    """Read the columns of a list, separated by tabs, or by blanks if there is no tab.

    A line that is the stem of a sample is one column, whatever blanks it has. Blank
    lines are skipped.

    Args:
        ann_file: Path of the list.
        widths: Allowed numbers of columns; all lines have the same.
        rule: Words for error messages: what a line must be.
        is_stem: Tells whether there is a file with this stem.
        backend_args: Arguments of the file backend.

    Raises:
        FileNotFoundError: If the list is missing.
        ValueError: If it is empty, or a line has the wrong number of columns.
    """
    if not fileio.isfile(ann_file, backend_args=backend_args):
        raise FileNotFoundError(
            f'the list `ann_file` must exist, got {ann_file}: correct `ann_file`'
        )
    columns = None
    # This encoding skips the byte order mark with which editors of Windows begin files.
    lines = list_from_file(ann_file, encoding='utf-8-sig', backend_args=backend_args)
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line:
            continue
        row = [cell.strip() for cell in line.split('\t' if '\t' in line else None)]
        if len(row) > 1 and '\t' not in line and is_stem(line):
            row = [line]
        columns = columns or len(row)
        if len(row) not in widths or len(row) != columns:
            raise ValueError(
                f'a line of a list must be {rule}, alike in all lines, got '
                f'{len(row)} columns in {ann_file}, line {number}, {line!r}: correct '
                'the line'
            )
        yield row
    if columns is None:
        raise ValueError(
            f'the list `ann_file` must not be empty, got no line in {ann_file}: add '
            'samples'
        )


def check_columns(
    rows: Sequence[tuple[str, Sequence[str]]],
    modalities: Sequence[str],
    label_folder: str,
    ann_file: str,
) -> None:
    """Refuse a list whose labels stand in the column of a modality.

    Args:
        rows: Stem and paths of each sample.
        modalities: Names of the modalities, in the order of the columns.
        label_folder: Where label files are.
        ann_file: Path of the list.

    Raises:
        ValueError: If a modality's file is in the folder of the labels.
    """
    folder = os.path.normpath(label_folder) + os.sep
    for stem, row in rows:
        if len(row) > len(modalities):
            continue
        for name, path in zip(modalities, row, strict=True):
            if os.path.normpath(path).startswith(folder):
                raise ValueError(
                    f'a line of a list must name files of {[*modalities]} and then, '
                    f'if there are any, of the labels, got the label {path} for '
                    f'{name!r} in {ann_file}, line of {stem!r}: add the column that is '
                    'missing'
                )


def require_files(
    paths: Sequence[str], backend_args: dict[str, Any] | None = None
) -> None:
    """Raise a FileNotFoundError that names all missing files, unless there are none."""
    missing = [
        path for path in paths if not fileio.isfile(path, backend_args=backend_args)
    ]
    if missing:
        raise FileNotFoundError(
            f'the files of the data set must exist, got {len(missing)} of {len(paths)} '
            'files missing: check `data_root`, `data_prefix`, `suffix`, `ann_file`\n  '
            + '\n  '.join(missing)
        )
