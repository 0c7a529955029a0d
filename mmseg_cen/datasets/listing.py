"""Lists of samples, and the files that they name."""

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
    """Columns of the lines of a list, separated by tabs, or in lines without by blanks.

    A line that is the stem of a sample as a whole is one column, with whatever blanks.
    Blank lines are skipped.

    Args:
        ann_file: The list.
        widths: Allowed numbers of columns; all lines have the same.
        rule: What a line must be, in words, for messages.
        is_stem: Whether there is a file of this stem.
        backend_args: Arguments of the file backend.

    Raises:
        FileNotFoundError: If the list is missing.
        ValueError: If it is empty, or a line has the wrong number of columns.
    """
    if not fileio.isfile(ann_file, backend_args=backend_args):
        raise FileNotFoundError(f'the list `ann_file` is missing: {ann_file}')
    columns = None
    # Windows' editors begin a file with a byte order mark, which this encoding skips.
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
                f'{ann_file}, line {number}: a line must be {rule}, alike in all lines;'
                f' got {len(row)} columns: {line!r}'
            )
        yield row
    if columns is None:
        raise ValueError(f'the list `ann_file` is empty: {ann_file}')


def require_files(
    paths: Sequence[str], backend_args: dict[str, Any] | None = None
) -> None:
    """Raise a FileNotFoundError that names all of ``paths`` that are not there."""
    missing = [
        path for path in paths if not fileio.isfile(path, backend_args=backend_args)
    ]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} files of the data set are missing; '
            'check data_root, data_prefix, suffixes and ann_file:\n  '
            + '\n  '.join(missing)
        )
