"""Lists of samples, one stem a line: `train.txt` and the like."""

from collections.abc import Sequence
from pathlib import Path

from mmseg_cen.disk import find_files, read_text

LISTS = ('train', 'val', 'test')


def is_line(stem: str) -> bool:
    """Whether a stem can be a line of a list, and is read as it was written."""
    if stem.encode(errors='replace').decode() != stem:  # names of no Unicode, on a disk
        return False
    # At the beginning of a file, the last of these would be its byte order mark.
    return [stem.strip()] == stem.splitlines() == [stem] and not {*stem} & {*'\t\ufeff'}


def read_list(path: str | Path) -> list[str]:
    """Stems of a list, one a line; they may contain blanks.

    Raises:
        FileNotFoundError: If there is no such list.
        ValueError: If it is not in UTF-8.
    """
    return [line.strip() for line in read_text(path).split('\n') if line.strip()]


def find_stems(
    root: Path, folder: str, suffix: str, lists: Sequence[str] = LISTS
) -> list[tuple[str, list[str]]]:
    """Names of the lists of a folder, and the stems in each.

    Args:
        root: Where the lists are.
        folder: Folder below ``root``; without lists, all its files are one list, 'all'.
        suffix: End of the names of the files in ``folder``.
        lists: Names of the lists that there may be.

    Raises:
        FileNotFoundError: If there are no lists, and no such folder.
    """
    paths = [root / f'{name}.txt' for name in lists]
    found = [path for path in paths if path.is_file()]
    if found:
        return [(path.stem, read_list(path)) for path in found]
    stems = sorted(
        path.relative_to(root / folder).as_posix().removesuffix(suffix)
        for path in find_files(root / folder)
        if path.name.endswith(suffix)
    )
    return [('all', stems)]
