"""Files that mmengine writes are replaced as a whole, or not at all.

mmengine writes a checkpoint, and every other local file, into its place: an
interruption would leave half of it. Importing this module registers
:class:`ReplacingLocalBackend` as its backend of local files, which all hooks and tools
write through.
"""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmseg_cen.disk import replacing


@register_backend('local', force=True, prefixes='')
class ReplacingLocalBackend(LocalBackend):
    """Local files that are replaced as a whole; links stay, as mmengine has it."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a file, to the disk itself.

        A checkpoint is removed once the next one is written: where the power fails, one
        of them has to be there.
        """
        with replacing(os.path.realpath(filepath)) as unfinished:
            super().put(obj, unfinished)
            if unfinished.is_file():  # no device
                with unfinished.open('rb+') as file:
                    os.fsync(file.fileno())

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text to a file."""
        with replacing(os.path.realpath(filepath)) as unfinished:
            super().put_text(obj, unfinished, encoding)
