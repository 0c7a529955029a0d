"""Which checkpoint an interrupted training continues from."""

import logging
import os
import re
import zipfile
from pathlib import Path

from mmengine.logging import print_log

from mmseg_cen.disk import replacing

#: In a work directory: path of the last checkpoint, as mmengine notes it.
NOTE = 'last_checkpoint'


def note_checkpoint(work_dir: str, checkpoint: str) -> None:
    """Note the last checkpoint in a work directory, as mmengine does, but at once."""
    with replacing(Path(work_dir, NOTE)) as unfinished:
        unfinished.write_text(checkpoint)


def latest_checkpoint(work_dir: str) -> str | None:
    """The checkpoint to resume a training from, or None if there is none.

    It is the one that is noted as the last. In a work directory that was copied or
    moved, that is the file of this name beside the note. If it is missing or damaged,
    the complete checkpoint before it is taken, and said; if no checkpoint is complete,
    the training begins anew, which is said, too.

    Args:
        work_dir: Work directory of the training.

    Returns:
        Path of a complete checkpoint; or of a missing one, if that is noted and there
        is no other.
    """
    noted = _noted(work_dir)
    if noted is not None and is_complete(noted):
        return str(noted)
    found = _checkpoints({Path(work_dir), *([noted.parent] if noted else [])})
    for path in sorted(found, key=lambda path: _nearness(path, noted), reverse=True):
        if path != noted and is_complete(path):
            what = 'none was noted'
            if noted is not None:
                lost = 'damaged' if noted.is_file() else 'missing'
                what = f'the last checkpoint, {noted}, is {lost}'
            print_log(f'resuming from {path}: {what}', 'current', logging.WARNING)
            return str(path)
    damaged = sorted({*found, *([noted] if noted and noted.is_file() else [])})
    if damaged:
        print_log(
            f'the training begins anew: no checkpoint in {work_dir} is complete, '
            f'{", ".join(path.name for path in damaged)} cannot be read',
            'current',
            logging.WARNING,
        )
        return None
    return None if noted is None else str(noted)


def is_complete(path: Path) -> bool:
    """Whether a checkpoint was written to its end, and its contents are as written.

    Raises:
        PermissionError: If it may not be read: it is no damaged one, which a training
            would pass over and begin anew.
    """
    try:
        if zipfile.is_zipfile(path):  # the directory of a zip is written at the end
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        with path.open('rb') as file:
            return file.read(1) == b'\x80'  # a pickle: torch's older format
    except PermissionError:
        raise
    except Exception:  # whatever damaged bytes lead to
        return False


def _noted(work_dir: str) -> Path | None:
    try:
        text = Path(work_dir, NOTE).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    if not text:
        return None
    own = Path(work_dir, os.path.basename(text))
    return own if own.is_file() else Path(text)


def _checkpoints(folders: set[Path]) -> list[Path]:
    return [
        path
        for folder in folders
        for pattern in ('epoch_*.pth', 'iter_*.pth')
        for path in folder.glob(pattern)
    ]


def _nearness(path: Path, noted: Path | None) -> tuple[bool, int, float]:
    """Greater for the checkpoint that stands in for the noted one.

    The last before it comes first. Others may be of an earlier training in the work
    directory; of these, and without a note, the newest comes first.
    """
    kind, number = _step(path)
    before = noted is not None and kind == _step(noted)[0] and number < _step(noted)[1]
    return before, number if before else 0, path.stat().st_mtime


def _step(path: Path) -> tuple[str, int]:
    """The name of a checkpoint without its number, and the number."""
    number = re.search(r'\d+(?=\D*$)', path.stem)
    return (
        (path.stem, -1)
        if number is None
        else (path.stem[: number.start()], int(number[0]))
    )
