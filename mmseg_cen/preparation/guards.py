"""What keeps a conversion from destroying files: refusals before the first write."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from filelock import FileLock, Timeout

from mmseg_cen.disk import find_files, set_aside

from .contact_sheet import SHEET
from .files import fingerprint, fingerprint_file
from .journal import JOURNAL
from .layout import META, read_meta
from .lists import is_line
from .plan import Plan
from .report import REPORT

LOCK = '.lock'


def check_plan(plan: Plan, out: Path) -> None:
    """Refuse a plan whose samples cannot be written, or would overwrite the download.

    Raises:
        ValueError: If there are no samples, two of one stem, one that no list can
            hold or that leaves the folder, or if ``out`` is a file or holds files that
            are to be read.
    """
    stems = Counter(sample.stem for sample in plan.samples)
    if twice := sorted(stem for stem, count in stems.items() if count > 1):
        raise ValueError(
            f'samples must have different names, got {twice} twice: rename these files'
        )
    if not stems and not plan.problems:
        raise ValueError(
            f'the download must hold samples of {plan.dataset}, got none: check its '
            'path'
        )
    if unlisted := [stem for stem in stems if not is_line(stem)]:
        raise ValueError(
            'a name must be a line of a list, in Unicode, without tab or line break, '
            f'and without blanks at its ends, got {unlisted[:5]}: rename these files'
        )
    if outside := [stem for stem in stems if leaves_folder(stem)]:
        raise ValueError(
            f'a name must stay within the folder to write, got {outside[:5]}: rename '
            'these files'
        )
    if out.exists() and not out.is_dir():
        raise ValueError(f'`out` must be a folder, got the file {out}: choose another')
    written = {out.resolve() / name for name in plan.folders}
    for parent in {Path(path).parent for s in plan.samples for path in s.inputs}:
        if written & {parent.resolve(), *parent.resolve().parents}:
            raise ValueError(
                f'`out` must not hold the files to read, got {out}, where those in '
                f'{parent} would be overwritten: choose another folder'
            )


def leaves_folder(stem: str) -> bool:
    """Whether a name leads out of the folder that it is put into."""
    path = PurePath(stem.replace('\\', '/'))
    absolute = path.is_absolute() or PureWindowsPath(stem).drive
    return bool(absolute) or '..' in path.parts or not path.parts


def finished_files(plan: Plan) -> list[str]:
    """Names of the files that a finished data set has beside its folders."""
    return [META, SHEET, *plan.extras, *(f'{split}.txt' for split in plan.splits)]


def keep_edited(out: Path) -> list[str]:
    """Rename lists, report and the like that were edited since they were written.

    They would be replaced, because the data set is prepared again.

    Returns:
        Names of the lists of the earlier preparation, which may have had others.
    """
    if not (out / META).is_file():
        return []
    meta = read_meta(out)
    lists = lists_of(meta)
    for name, mark in {**lists, **meta.get('written', {})}.items():
        path = out / name
        if path.is_file() and fingerprint_file(path) != mark:
            print(f'{path} was edited: it is {set_aside(path)} now')
    return list(lists)


def lists_of(meta: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The fingerprints of the lists that `meta.json` describes."""
    stems: dict[str, list[str]] = {split: [] for split in meta['splits']}
    for sample in meta['samples']:
        stems[sample['split']].append(f'{sample["stem"]}\n')
    return {
        f'{split}.txt': fingerprint(''.join(lines).encode())
        for split, lines in stems.items()
    }


def refuse_foreign_files(plan: Plan, out: Path) -> None:
    """Refuse to overwrite files in ``out`` that no conversion wrote.

    Raises:
        ValueError: If there are such files.
    """
    if (out / JOURNAL).is_file():
        return
    try:
        read_meta(out)
    except (FileNotFoundError, ValueError):
        names = [*finished_files(plan), REPORT]
        foreign = sorted(name for name in names if (out / name).exists())
        for name in plan.folders:
            folder = out / name
            if folder.is_file() or (folder.is_dir() and any(find_files(folder))):
                foreign.append(f'{name}/')
        if foreign:
            raise ValueError(
                f'`out` must be empty or prepared, got {out} with files that no tool '
                f'wrote ({", ".join(foreign)}): choose an empty folder'
            ) from None


@contextmanager
def only_writer(out: Path, patience: float = 1.0) -> Iterator[None]:
    """Keep other conversions out of a folder.

    Args:
        out: The folder, which exists.
        patience: Seconds to wait, because the last processes of a conversion that was
            killed take a moment to end.

    Raises:
        ValueError: If another conversion writes to the folder.
    """
    lock = FileLock(out / LOCK, timeout=patience)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(
            f'`out` must be a folder that no other run is writing to, got {out}: wait '
            'until the other run has ended, or choose another folder'
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes the file when it is unlocked
            (out / LOCK).unlink()
        lock.release()
