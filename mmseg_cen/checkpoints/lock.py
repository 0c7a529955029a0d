"""One training at a time writes to a work directory."""

import errno
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from mmengine.logging import print_log

from mmseg_cen.disk import replacing

#: In a work directory: the file that is locked, and who locks it.
LOCK, HOLDER = '.training.lock', '.training.holder'
#: Seconds to wait for the last processes of a training that was killed.
_PATIENCE = 15.0
#: What a file system answers that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)

#: The locks of this process, by work directory.
_held: dict[Path, Any] = {}


def lock_training(work_dir: str) -> None:
    """Keep other trainings out of a work directory.

    The lock ends with :func:`unlock_training`, or with the process, however it ends.
    Where a file system has no locks, the training goes on without, and that is said.

    Args:
        work_dir: Work directory; it is made, if it does not exist.

    Raises:
        ValueError: If another training has locked it; its process is named.
    """
    folder = Path(work_dir).resolve()
    if folder in _held:
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    end = time.monotonic() + _PATIENCE
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.5)
        except Timeout as error:
            holder = _holder(folder)
            if _may_run(*holder) or time.monotonic() > end:
                raise ValueError(_refusal(work_dir, *holder)) from error
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
            print_log(
                f'nothing keeps a second training out of {work_dir}, whose file system '
                f'has no locks ({error}): start one at a time',
                'current',
                logging.WARNING,
            )
            return
    _held[folder] = lock
    with replacing(folder / HOLDER) as unfinished:
        unfinished.write_text(f'{os.getpid()} {socket.gethostname()}')


def unlock_training(work_dir: str) -> None:
    """Let other trainings into a work directory; nothing, if it is not locked here."""
    folder = Path(work_dir).resolve()
    lock = _held.pop(folder, None)
    if lock is not None:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def is_training(work_dir: str | Path) -> bool:
    """Whether a process that may be running has locked a work directory."""
    return _may_run(*_holder(Path(work_dir)))


def _holder(folder: Path) -> tuple[int, str]:
    """Process and host that have locked a work directory; 0 and '' while unknown."""
    try:
        process, host = (folder / HOLDER).read_text().split()
        return int(process), host
    except (OSError, ValueError):
        return 0, ''


def _may_run(process: int, host: str) -> bool:
    """Whether a process may still be running; those of other hosts may."""
    if not process or host != socket.gethostname():
        return bool(process)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is someone else's
        return True
    return True


def _refusal(work_dir: str, process: int, host: str) -> str:
    who = f'process {process} on {host}' if process else 'an unknown process'
    return (
        f'`work_dir` must be of one training at a time, got {work_dir!r}, in which '
        f'{who} is training: wait for its end, end it, or choose another --work-dir; '
        f'if it no longer runs, remove {os.path.join(work_dir, LOCK)!r}'
    )
