"""Files are written beside their place and renamed: an interruption leaves the old one.

mmengine writes a checkpoint, and every other local file, into its place. Importing this
module registers :class:`ReplacingLocalBackend` as its backend of local files, which all
hooks and tools write through.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

#: What the names of unfinished files end with, behind the number of the process.
UNFINISHED = '.unfinished'


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file under another name first, and give it its own once it is complete.

    Args:
        path: The file; what a link leads to is replaced, not the link. Devices and
            pipes are written directly.

    Yields:
        The path to write to.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        yield place
        return
    # Processes that write the same file do not write into each other's.
    unfinished = place.with_name(f'{place.name}.{os.getpid()}{UNFINISHED}')
    try:
        yield unfinished
        unfinished.replace(place)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def remove_unfinished(folder: str | Path) -> None:
    """Remove what processes left behind that were killed while they wrote files.

    Args:
        folder: A folder that no other process writes to.
    """
    for path in Path(folder).glob(f'*.[0-9]*{UNFINISHED}'):
        path.unlink(missing_ok=True)


@register_backend('local', force=True, prefixes='')
class ReplacingLocalBackend(LocalBackend):
    """Local files that are replaced as a whole."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a file."""
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with replacing(filepath) as unfinished:
            super().put(obj, unfinished)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text to a file."""
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with replacing(filepath) as unfinished:
            super().put_text(obj, unfinished, encoding)
