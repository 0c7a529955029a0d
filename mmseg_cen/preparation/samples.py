"""Convert and write one sample, unless its files are there already."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from mmseg_cen.disk import write_atomically

from .files import (
    decode_complete,
    encode,
    fingerprint,
    fingerprint_file,
    has_orientation,
)
from .layout import Folder, Record
from .plan import READ_ERRORS, Sample
from .verification import check_files


@dataclass(frozen=True)
class Result:
    """What became of a sample.

    Args:
        stem: Name of the sample.
        record: The finished sample; None if it could not be converted.
        problem: Why it could not be converted.
        is_new: Whether the sample was converted now, rather than by an earlier run.
        turned: Its official files that have an orientation tag.
    """

    stem: str
    record: Record | None = None
    problem: str = ''
    is_new: bool = False
    turned: tuple[str, ...] = ()


def convert_sample(
    convert: Callable[[Sample], Mapping[str, NDArray[Any] | bytes]],
    folders: Mapping[str, Folder],
    out: Path,
    task: tuple[Sample, Record | None],
) -> Result:
    """Convert a sample unless that was done before from the same inputs.

    Args:
        convert: From the sample to the contents of its files.
        folders: What is written.
        out: The folder to write to.
        task: The sample, and its record in the journal, if there is one.

    Raises:
        OSError: If its files cannot be written, which is no fault of the sample.
    """
    sample, old = task
    turned: tuple[str, ...] = ()
    try:
        inputs = [fingerprint_file(path) for path in sample.inputs]
        turned = tuple(path for path in sample.inputs if has_orientation(path))
        if old is not None:
            wanted = replace(
                old, split=sample.split, groups=sample.groups, inputs=inputs
            )
            if old == wanted and not check_files(out, old, folders, decode=False):
                return Result(sample.stem, old, turned=turned)
        encoded, record = _encode_sample(sample, convert(sample), folders)
    except (*READ_ERRORS, cv2.error) as error:
        for name, folder in folders.items():  # what an earlier run wrote of the sample
            (out / name / f'{sample.stem}{folder.suffix}').unlink(missing_ok=True)
        is_said = isinstance(error, ValueError | OSError)
        reason = str(error) if is_said else repr(error)
        if isinstance(error, FileNotFoundError) and error.filename:
            reason = f'{error.filename} is missing'
        return Result(sample.stem, problem=reason, turned=turned)
    for name, content in encoded.items():
        write_atomically(out / name / f'{sample.stem}{folders[name].suffix}', content)
    return Result(sample.stem, replace(record, inputs=inputs), '', True, turned)


def _encode_sample(
    sample: Sample,
    contents: Mapping[str, NDArray[Any] | bytes],
    folders: Mapping[str, Folder],
) -> tuple[dict[str, bytes], Record]:
    """The contents of all files of a sample, which are checked, and its record."""
    encoded: dict[str, bytes] = {}
    stats: dict[str, dict[str, Any]] = {}
    sizes: dict[str, tuple[int, ...]] = {}
    for name, folder in folders.items():
        content = contents[name]
        stored = content if isinstance(content, bytes) else None
        try:
            if isinstance(content, bytes):
                array = decode_complete(content, color=folder.channels == 3)
            else:
                array = content
            folder.check(array)
        except ValueError as error:
            source = None if stored is None else _find_input(sample, stored)
            raise ValueError(f'{source or name} {error}') from error
        sizes[name] = array.shape[:2]
        stats[name] = folder.summarize(array)
        encoded[name] = stored or encode(array, folder.suffix)
    if len(set(sizes.values())) != 1:
        raise ValueError(
            f'its files must agree in size, got {sizes}: replace or resize some (of '
            'own data --resize depth, and :resize=1 another --modality)'
        )
    return encoded, Record(
        stem=sample.stem,
        split=sample.split,
        size=list(next(iter(sizes.values()))),
        groups=dict(sample.groups),
        files={name: fingerprint(content) for name, content in encoded.items()},
        stats={name: values for name, values in stats.items() if values},
    )


def _find_input(sample: Sample, content: bytes) -> str | None:
    """The official file of a sample that has this content, if there is one."""
    return next((p for p in sample.inputs if Path(p).read_bytes() == content), None)
