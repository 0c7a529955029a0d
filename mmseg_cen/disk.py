"""Files on disk: found, read as text, written whole, and never over edited ones."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

#: What the names of unfinished files end with, behind the number of the process.
UNFINISHED = '.part'


def find_files(root: str | Path) -> Iterator[Path]:
    """All files in a folder and below it, in sorted order of their folders.

    Links to files and folders are followed, each folder once on a path, so that a link
    to a folder above ends. Links that lead nowhere are files, too: whoever reads them
    says what is missing. Names that begin with a dot are skipped: what file managers,
    editors and notebooks leave behind (``._a.png``, ``.DS_Store``,
    ``.ipynb_checkpoints/``).

    Args:
        root: The folder.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    if not os.path.isdir(root):
        raise FileNotFoundError(
            f'the folder of files must exist, got {str(root)!r}: check the path'
        )
    yield from _walk(Path(root), frozenset())


def _walk(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    place = os.path.realpath(folder)
    if place in above:
        return
    for path in sorted(folder.iterdir()):
        if is_hidden(path.name):
            continue
        if path.is_dir():
            yield from _walk(path, above | {place})
        elif path.is_file() or path.is_symlink():
            yield path


def is_hidden(path: str) -> bool:
    """Whether a relative path leads through a name that begins with a dot."""
    return any(part.startswith('.') for part in path.replace('\\', '/').split('/'))


def read_text(path: str | Path) -> str:
    """Read a text in UTF-8, with or without the byte order mark of Windows.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is in another encoding.
    """
    return decode_text(Path(path).read_bytes(), str(path))


def decode_text(content: bytes, path: str) -> str:
    """The text of a file, see :func:`read_text`; all line ends become LF."""
    try:
        text = content.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = content.count(b'\n', 0, error.start) + 1
        utf16 = content.startswith((b'\xff\xfe', b'\xfe\xff'))
        found = 'UTF-16' if utf16 else f'the byte {content[error.start]:#x}'
        raise ValueError(
            f'a text file must be in UTF-8, got {found} in line {line} of {path}: save '
            'it again as UTF-8'
        ) from error
    return text.replace('\r\n', '\n').replace('\r', '\n')


def damage_in_words(error: BaseException) -> str:
    """What is wrong with the contents of a file, by the error of its decoder."""
    if 'Object arrays' in str(error):
        return 'one of objects, whose reading may run foreign code, and nothing was run'
    if 'pickle' in str(error):  # NumPy takes any beginning it does not know for one
        return 'a damaged one, or a pickle, which is not read'
    return f'a damaged one ({error})'


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file under another name first, and give it its own once it is complete.

    Whenever it is stopped, there is the complete file, or what was there before.

    Args:
        path: The file, in a folder that is made if it does not exist. A link is
            replaced, not what it leads to; devices and pipes are written directly.

    Yields:
        The path to write to.

    Raises:
        OSError: If it cannot be written; it has the file's name.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Processes that write the same file do not write into each other's.
    unfinished = path.with_name(f'.{path.name[:60]}.{os.getpid()}{UNFINISHED}')
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:  # a full disk names no file
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise


def remove_unfinished(folder: str | Path, below: bool = False) -> None:
    """Remove what processes left behind that were killed while they wrote files.

    Args:
        folder: A folder that no other process writes to.
        below: Whether folders below it are searched, too.
    """
    find = Path(folder).rglob if below else Path(folder).glob
    for path in find(f'.*{UNFINISHED}'):
        if re.fullmatch(rf'.+\.\d+\{UNFINISHED}', path.name):
            path.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file as :func:`replacing` does."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)


def write_picture(
    path: Path, rgb: NDArray[np.generic], options: Sequence[int] = ()
) -> None:
    """Write a picture, unlike OpenCV with an error where it cannot be written.

    Args:
        path: The file; its suffix is the format.
        rgb: (H, W) or (H, W, 3) in the order RGB, uint8 or uint16.
        options: Flags of OpenCV and their values.

    Raises:
        OSError: If it cannot be written.
    """
    bgr = rgb[..., ::-1] if rgb.ndim == 3 else rgb
    _, content = cv2.imencode(path.suffix, np.ascontiguousarray(bgr), [*options])
    write_atomically(path, content.tobytes())


def write_new(path: Path, content: bytes, overwrite: bool = False) -> None:
    """Write a file that a person may edit, if there is no other of this name.

    Args:
        path: The file.
        content: What it shall hold; a file that holds it already is left alone.
        overwrite: Whether a file of another content is replaced.

    Raises:
        FileExistsError: If there is a file of another content.
    """
    if not overwrite and path.exists():
        if path.is_file() and path.read_bytes() == content:
            return
        raise FileExistsError(
            f'the file to write must be a new one, got {str(path)!r}, which exists and '
            'may have been edited: choose another name, or give --overwrite'
        )
    write_atomically(path, content)


def set_aside(path: Path) -> Path:
    """Rename a file to the first free name of ``a.old.py``, ``a.old2.py``, ...

    Returns:
        The new name.
    """
    number = 1
    while True:
        old = path.with_name(
            f'{path.stem}.old{number if number > 1 else ""}{path.suffix}'
        )
        if not old.exists():
            break
        number += 1
    path.replace(old)
    return old
