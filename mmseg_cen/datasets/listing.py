"""Lists of samples, folders of files, and checks of the files that are named."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from mmengine import fileio
from mmengine.fileio import LocalBackend
from mmengine.logging import print_log

from mmseg_cen.disk import decode_text, find_files, is_hidden

_MAX_NAMED = 20


def read_rows(
    ann_file: str,
    widths: Collection[int],
    rule: str,
    is_stem: Callable[[str], bool],
    backend_args: dict[str, Any] | None = None,
) -> Iterator[list[str]]:
    """Read the columns of a list, separated by tabs, or by blanks if there is no tab.

    A line that is the stem of a sample is one column, whatever blanks it has. Blank
    lines are skipped. The list is in UTF-8, with or without a byte order mark, and has
    line ends of any system. Lines that are repeated are warned of.

    Args:
        ann_file: Path of the list.
        widths: Allowed numbers of columns; all lines have the same.
        rule: Words for error messages: what a line must be.
        is_stem: Tells whether there is a file with this stem.
        backend_args: Arguments of the file backend.

    Raises:
        FileNotFoundError: If the list is missing.
        ValueError: If it is empty or in another encoding, or a line has the wrong
            number of columns.
    """
    if not fileio.isfile(ann_file, backend_args=backend_args):
        raise FileNotFoundError(
            f'the list `ann_file` must exist, got {ann_file}: correct `ann_file`'
        )
    columns = None
    content = fileio.get(ann_file, backend_args=backend_args)
    lines = decode_text(content, ann_file).split('\n')
    count: Counter[str] = Counter()
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
        count[line] += 1
        yield row
    say_repeated(count, ann_file)
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


def say_repeated(count: Counter[str], place: str) -> None:
    """Warn of samples that are named more than once."""
    if twice := [name for name, number in count.items() if number > 1]:
        print_log(
            f'{len(twice)} of {len(count)} samples are repeated in {place}, such as '
            f'{twice[:3]}: they count as often as they are named',
            'current',
            logging.WARNING,
        )


def list_files(folder: str, backend_args: dict[str, Any] | None = None) -> list[str]:
    """Paths of all files below a folder, relative to it, sorted.

    Links are followed, and names that begin with a dot skipped, see
    :func:`mmseg_cen.disk.find_files`.

    Args:
        folder: Path of the folder.
        backend_args: Arguments of the file backend.
    """
    backend = fileio.get_file_backend(folder, backend_args=backend_args)
    if isinstance(backend, LocalBackend):
        found = (path.relative_to(folder).as_posix() for path in find_files(folder))
    else:
        found = backend.list_dir_or_file(folder, list_dir=False, recursive=True)
    return sorted(path for path in found if not is_hidden(path))


def list_stems(
    name: str,
    folder: str,
    suffix: str | tuple[str, ...],
    backend_args: dict[str, Any] | None = None,
) -> list[str]:
    """Stems of the files of a modality in a folder and below it, sorted.

    Stems that two files have, by different suffixes, are warned of, and files that are
    left out because their suffix is in other letters, capital or small.

    Args:
        name: Name of the modality.
        folder: Path of the folder.
        suffix: How the names of its files end, or several such ends.
        backend_args: Arguments of the file backend.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has no such file.
    """
    if not fileio.isdir(folder, backend_args=backend_args):
        raise FileNotFoundError(
            f'the folder of modality {name!r} must exist, got {folder}: check '
            '`data_root` and `data_prefix`'
        )
    files = list_files(folder, backend_args)
    count = Counter(_remove_suffix(f, suffix) for f in files if f.endswith(suffix))
    if not count:
        raise ValueError(
            f'{folder} must have files, got none that ends with {suffix!r}: correct '
            f'`suffix` of modality {name!r}'
        )
    say_repeated(count, f'{folder}, where {suffix} follow one another')
    ends = (suffix,) if isinstance(suffix, str) else suffix
    lower = tuple(end.lower() for end in ends)
    others = [f for f in files if f.lower().endswith(lower) and not f.endswith(ends)]
    if others:
        length = next(len(end) for end in lower if others[0].lower().endswith(end))
        print_log(
            f'{len(others)} files in {folder} are left out, such as {others[:3]}: '
            f'`suffix` of modality {name!r} is {suffix!r}; if they are samples, too, '
            f'give several, such as {(*ends, others[0][-length:])}',
            'current',
            logging.WARNING,
        )
    return sorted(count)


def require_files(
    paths: Sequence[str], backend_args: dict[str, Any] | None = None
) -> None:
    """Raise a FileNotFoundError that names missing files, unless there are none.

    It names the first 20, and the folders if those are what is missing.
    """
    missing = [
        path for path in paths if not fileio.isfile(path, backend_args=backend_args)
    ]
    if not missing:
        return
    folders = sorted({os.path.dirname(path) for path in missing})
    gone = [f for f in folders if not fileio.isdir(f or '.', backend_args=backend_args)]
    what = f', all of folders that are missing, {gone[:5]}' if gone == folders else ''
    named = [*missing[:_MAX_NAMED]]
    if len(missing) > _MAX_NAMED:
        named.append(f'... and {len(missing) - _MAX_NAMED} more')
    raise FileNotFoundError(
        f'the files of the data set must exist, got {len(missing)} of {len(paths)} '
        f'files missing{what}: check `data_root`, `data_prefix`, `suffix`, `ann_file`'
        '\n  ' + '\n  '.join(named)
    )


def _remove_suffix(file: str, suffix: str | tuple[str, ...]) -> str:
    ends = (suffix,) if isinstance(suffix, str) else suffix
    return file.removesuffix(next(end for end in ends if file.endswith(end)))
