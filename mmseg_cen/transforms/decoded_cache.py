"""A cache of decoded files on disk: what every epoch reads is decoded once.

An entry has the array as its decoder gave it, before units, ``fill`` and classes, so
that it serves whatever these options are, and all checks of them are made as without a
cache. Entries are mapped into memory: all processes share one copy of their bytes.

All writing is done under one lock, and a file is written to another name first. A
process that is killed thus leaves whole entries, and at most one file to clean up.
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
from filelock import FileLock, Timeout

from mmseg_cen.disk import remove_unfinished, write_atomically
from mmseg_cen.once import warn_once

from .decoded_entry import FORMAT, Decoded, read_entry, to_entry

#: In the folder: what is locked to write, and the bytes of all entries. Nobody adds
#: entries while the latter is missing.
LOCK, ACCOUNT = '.lock', '.bytes'
#: Limit of the bytes of all entries, unless another is given.
MAX_BYTES = 10 * 2**30
#: Nanoseconds after a change in which another one may leave all times as they are.
SETTLED = 2 * 10**9
#: Seconds to wait for the lock: to begin, and to add an entry.
_PATIENCE, _PATIENCE_TO_ADD = 60.0, 0.5
#: What changes how files are decoded.
_DECODERS = (FORMAT, cv2.__version__, PIL.__version__, np.__version__)

_prepared: set[tuple[Path, int]] = set()


class DecodedCache:
    """Decoded files in a folder, for any number of processes and trainings at once.

    An entry is found by the path of the file, how it is decoded and the versions of the
    decoders, and is used if the file has the size and the times of modification and of
    change that it had. When the folder is full, nothing is added: epochs pass all files
    in turn, and removing the least recent entries would remove each before it is used.

    Args:
        folder: Where entries lie; it is made, if it does not exist.
        max_bytes: Limit of the bytes of all files in it. Entries above it are removed
            at the start, the oldest first.

    Raises:
        ValueError: If the folder cannot be written to or locked, or the limit is not
            positive.
    """

    def __init__(self, folder: str, max_bytes: float = MAX_BYTES) -> None:
        if not isinstance(folder, (str, os.PathLike)) or not str(folder):
            raise ValueError(
                f'`folder` of a cache must be a path, got {folder!r}: name a folder'
            )
        if not isinstance(max_bytes, (int, float)) or not max_bytes >= 1:
            raise ValueError(
                f'`max_bytes` of a cache must be a positive number, got {max_bytes!r}: '
                'give e.g. 10 * 2**30'
            )
        self.folder = Path(folder).resolve()
        self.max_bytes = int(max_bytes)
        self._adds = True
        if (self.folder, self.max_bytes) not in _prepared:
            self._prepare()
            _prepared.add((self.folder, self.max_bytes))

    def fetch(
        self, path: str, options: tuple[Any, ...], decode: Callable[[], Decoded]
    ) -> Decoded:
        """What a file holds: from the cache, else decoded, and added to the cache.

        Args:
            path: The file.
            options: All that ``decode`` depends on besides the file.
            decode: Decodes the file.

        Returns:
            What ``decode`` returns, bit by bit; the array may be read-only.

        Raises:
            ValueError: If the file is not a local one.
        """
        if '://' in str(path):
            raise ValueError(
                f'`cache` must be of local files, got {path!r}, of which it could not '
                'tell that they have changed: leave it out'
            )
        try:
            stat = os.stat(path)
        except OSError:  # `decode` says what is wrong
            return decode()
        changed = max(stat.st_mtime_ns, stat.st_ctime_ns)
        is_settled = time.time_ns() - changed >= SETTLED
        state = _digest(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        entry = self._entry(path, options)
        if (found := self._read(entry, state)) is not None:
            return found
        decoded = decode()
        if self._adds and is_settled and decoded.array.ndim in {2, 3}:
            self._add(entry, to_entry(decoded, state))
        return decoded

    def _entry(self, path: str, options: tuple[Any, ...]) -> Path:
        name = _digest(os.path.realpath(path), options, _DECODERS).hex()
        return self.folder / f'{name}.npy'

    def _read(self, entry: Path, state: bytes) -> Decoded | None:
        """An entry, if there is one of this state of the file; damaged ones go."""
        try:
            return read_entry(entry, state)
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            warn_once(
                f'damaged entry in {self.folder}',
                f'The cache of decoded files in {self.folder} has damaged entries, '
                f'such as {entry.name} ({error}): they are removed.',
            )
            with suppress(OSError):
                entry.unlink(missing_ok=True)
            return None

    def _add(self, entry: Path, content: bytes) -> None:
        """Write an entry; if there is no room for it, nobody adds any more."""
        lock = FileLock(self.folder / LOCK, timeout=_PATIENCE_TO_ADD)
        try:
            with lock.acquire(poll_interval=0.002):
                try:
                    self._write(entry, content)
                except (OSError, ValueError) as error:
                    self._stop_adding(error)
        except Timeout:  # others are writing; the next epoch comes by again
            pass
        except (OSError, NotImplementedError) as error:
            self._stop_adding(error)

    def _write(self, entry: Path, content: bytes) -> None:
        """Write an entry and the account of all; the folder is locked."""
        account = self.folder / ACCOUNT
        total = int(account.read_text()) + len(content)
        if total > self.max_bytes:
            raise ValueError(f'it is as full as `max_bytes`, {self.max_bytes}, allows')
        replaced = entry.stat().st_size if entry.exists() else 0
        # Who is killed in between has counted too much, and never too little.
        write_atomically(account, b'%d' % total)
        write_atomically(entry, content)
        if replaced:
            write_atomically(account, b'%d' % (total - replaced))

    def _stop_adding(self, error: Exception) -> None:
        """Let no process add entries, and say so, unless another one has."""
        self._adds = False
        try:
            (self.folder / ACCOUNT).unlink()
        except FileNotFoundError:
            return
        except OSError:  # e.g. the disk cannot be written to any more
            pass
        warn_once(
            f'no more entries in {self.folder}',
            f'Nothing more is added to the cache of decoded files in {self.folder}: '
            f'{error}. Other files are decoded in each epoch.',
        )

    def _prepare(self) -> None:
        """Make and lock the folder, remove what is too much, and count the rest."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / LOCK, timeout=_PATIENCE):
                remove_unfinished(self.folder)  # nobody writes without the lock
                entries = []
                for path in self.folder.glob('*.npy'):
                    with suppress(FileNotFoundError):  # a damaged one, just removed
                        state = path.stat()
                        entries.append((state.st_mtime_ns, state.st_size, path))
                total = sum(size for _, size, _ in entries)
                for _, size, path in sorted(entries):
                    if total <= self.max_bytes:
                        break
                    path.unlink(missing_ok=True)
                    total -= size
                write_atomically(self.folder / ACCOUNT, b'%d' % total)
        except (OSError, NotImplementedError) as error:  # a Timeout is an OSError
            raise ValueError(
                '`folder` of a cache must be one that can be written to and locked, '
                f'got {str(self.folder)!r} ({error}): name a folder of a local disk'
            ) from error

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({str(self.folder)!r}, max_bytes={self.max_bytes})'
        )


def open_cache(
    cache: str | Mapping[str, Any] | None,
    backend_args: Mapping[str, Any] | None = None,
) -> DecodedCache | None:
    """The cache that an option describes.

    Args:
        cache: A folder, arguments of :class:`DecodedCache`, or None for none.
        backend_args: Arguments of the file backend.

    Raises:
        ValueError: If files are not local, or the cache is not described so.
    """
    if cache is None:
        return None
    if (backend_args or {}).get('backend', 'local') != 'local':
        raise ValueError(
            f'`cache` must be of local files, got backend_args={backend_args!r}: leave '
            'one of them out'
        )
    options = dict(cache) if isinstance(cache, Mapping) else dict(folder=cache)
    if 'folder' not in options or options.keys() - {'folder', 'max_bytes'}:
        raise ValueError(
            '`cache` must be a folder, or dict(folder=..., max_bytes=...), got '
            f'{cache!r}: correct it'
        )
    return DecodedCache(**options)


def fetch(
    cache: DecodedCache | None,
    path: str,
    options: tuple[Any, ...],
    decode: Callable[[], Decoded],
) -> Decoded:
    """Decode a file, by way of a cache if there is one."""
    return decode() if cache is None else cache.fetch(path, options, decode)


def _digest(*values: Any) -> bytes:
    return hashlib.blake2b(repr(values).encode(), digest_size=16).digest()
