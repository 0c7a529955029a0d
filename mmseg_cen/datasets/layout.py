"""The uniform layout of prepared data sets, and its verification.

A prepared data set is one folder::

    rgb/ depth/ [depth_raw/ ...] label[...]/   one file per sample, of the same stem
    train.txt val.txt                          stems, in the order of the official lists
    meta.json                                  what the files are, and their hashes
    report.txt contact_sheet.png               what was found, for people

`meta.json` comes last: a folder without it is unfinished. It holds ``dataset``,
``options``, ``classes`` and ``palette`` of the labels, ``folders`` (:class:`Folder`),
``splits`` (list name to number of samples) and ``samples`` (:class:`Record`).
"""

import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

META = 'meta.json'
LISTS = ('train', 'val', 'test')
KINDS = ('image', 'depth', 'label')
_PNG = b'\x89PNG\r\n\x1a\n'
_MAX_SHOWN = 20


@dataclass(frozen=True)
class Folder:
    """What the files of one folder hold.

    Args:
        kind: ``'image'``, ``'depth'`` (0 is invalid) or ``'label'``.
        suffix: End of the file names, with the dot.
        dtype: Type of the values.
        channels: 1 or 3.
        scale: Of depth, metres per stored unit; of inverse depth, 1/m per unit.
        unit: The unit in words, for the report.
        num_classes: Of labels: they are 0..num_classes - 1 or ``ignore_index``.
        ignore_index: The label of void pixels, if there is one.
    """

    kind: str = 'image'
    suffix: str = '.png'
    dtype: str = 'uint8'
    channels: int = 1
    scale: float | None = None
    unit: str | None = None
    num_classes: int | None = None
    ignore_index: int | None = None

    def check(self, array: NDArray[Any]) -> None:
        """Raise a ValueError that says what ``array`` (H, W[, C]) should be."""
        channels = array.shape[2] if array.ndim == 3 else 1
        if array.dtype != self.dtype or channels != self.channels:
            raise ValueError(
                f'must be {self.dtype} with {self.channels} channel(s), got '
                f'{array.dtype} of shape {array.shape}'
            )
        if self.num_classes is not None:
            wrong = np.unique(array[array >= self.num_classes])
            wrong = wrong[wrong != self.ignore_index]
            if wrong.size:
                void = '' if self.ignore_index is None else f' or {self.ignore_index}'
                raise ValueError(
                    f'must hold 0..{self.num_classes - 1}{void}, got '
                    f'{wrong[:_MAX_SHOWN].tolist()}'
                )

    def summarize(self, array: NDArray[Any]) -> dict[str, Any]:
        """Integers that add up to the statistics of the data set."""
        if self.kind == 'depth':
            valid = array[array > 0]
            return dict(
                pixels=array.size,
                valid=valid.size,
                low=int(valid.min()) if valid.size else None,
                high=int(valid.max()) if valid.size else None,
                saturated=int((array == np.iinfo(array.dtype).max).sum()),
            )
        if self.kind == 'label':
            values, counts = np.unique(array, return_counts=True)
            return {
                str(v): n for v, n in zip(values.tolist(), counts.tolist(), strict=True)
            }
        return {}


@dataclass
class Record:
    """A finished sample.

    Args:
        stem: Its line in the lists.
        split: The list it is in.
        size: Height and width, pixels.
        groups: What it is counted under in tables, e.g. ``{'camera': 'kv2'}``.
        files: Length in bytes and hash of its file in every folder.
        inputs: Likewise of the files that it was made from.
        stats: Of every folder, see :meth:`Folder.summarize`.
    """

    stem: str
    split: str
    size: tuple[int, int]
    groups: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[Any]] = field(default_factory=dict)
    inputs: list[list[Any]] = field(default_factory=list)
    stats: dict[str, dict[str, Any]] = field(default_factory=dict)


def fingerprint(content: bytes) -> list[Any]:
    """Length in bytes and hash of a file, as JSON has it."""
    return [len(content), hashlib.blake2b(content, digest_size=8).hexdigest()]


def fingerprint_file(path: str | Path) -> list[Any]:
    """Like :func:`fingerprint`, of a file of any length."""
    digest, length = hashlib.blake2b(digest_size=8), 0
    with open(path, 'rb') as file:
        while block := file.read(1 << 22):
            digest.update(block)
            length += len(block)
    return [length, digest.hexdigest()]


def decode_complete(content: bytes, color: bool = False) -> NDArray[Any]:
    """Decode a PNG or JPEG file that must be undamaged to its last byte.

    OpenCV fills what is missing of a truncated file and says so on the console only.

    Args:
        content: The file.
        color: Whether to decode to three channels, BGR, rather than as it is.

    Raises:
        ValueError: If the file is truncated or damaged.
    """
    if content.startswith(_PNG):
        _check_png(content)
    else:
        try:
            with Image.open(io.BytesIO(content)) as image:
                image.load()
        except UnidentifiedImageError as error:  # its own message names an address
            what = 'of an unknown format' if content else 'it is empty'
            raise ValueError(f'is no complete image: {what}') from error
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(f'is no complete image: {error}') from error
    flags = cv2.IMREAD_UNCHANGED
    if color:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    array = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if array is None:
        raise ValueError('is no image, or a damaged one')
    return np.asarray(array)


def _check_png(content: bytes) -> None:
    """Follow the chunks of a PNG file, whose check sums they carry, to the last."""
    position, name = len(_PNG), b''
    while name != b'IEND':
        length = int.from_bytes(content[position : position + 4], 'big')
        name = content[position + 4 : position + 8]
        end = position + 12 + length
        if len(name) < 4 or end > len(content):
            raise ValueError(f'is truncated after {len(content)} bytes')
        body, stored = content[position + 4 : end - 4], content[end - 4 : end]
        if zlib.crc32(body) != int.from_bytes(stored, 'big'):
            raise ValueError(f'is damaged: wrong check sum at byte {position}')
        position = end


def encode_png(array: NDArray[Any]) -> bytes:
    """Encode (H, W) or BGR (H, W, 3), uint8 or uint16; the same bytes each time."""
    done, content = cv2.imencode('.png', array, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise ValueError(f'cannot store {array.dtype} of shape {array.shape} as PNG')
    return content.tobytes()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is there completely or not at all, whenever it is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    part.write_bytes(content)
    os.replace(part, path)


def is_part(path: Path) -> bool:
    """Whether a file is one that :func:`write_atomically` was stopped at."""
    return re.fullmatch(r'\..+\.\d+\.part', path.name) is not None


def is_line(stem: str) -> bool:
    """Whether a stem can be a line of a list, and is read as it was written."""
    return stem.splitlines() == [stem.strip()] and '\t' not in stem


def read_meta(root: str | Path) -> dict[str, Any]:
    """Read `meta.json` of a prepared folder.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is damaged.
    """
    path = Path(root) / META
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist: the folder was not prepared by a tool of '
            'tools/dataset_converters, or its preparation was not finished; run the '
            'tool (again)'
        )
    try:
        meta: dict[str, Any] = json.loads(path.read_text())
        for folder in meta['folders'].values():
            Folder(**folder)
        dict(meta['splits'])
        for sample in meta['samples']:
            Record(**sample)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path} is damaged ({error!r}): prepare the data set again'
        ) from error
    return meta


def read_groups(root: str | Path) -> dict[str, dict[str, str]]:
    """Groups of every sample of a prepared folder by stem; empty without meta.json."""
    if not (Path(root) / META).is_file():
        return {}
    return {s['stem']: s['groups'] for s in read_meta(root)['samples']}


def read_list(path: str | Path) -> list[str]:
    """Stems of a list, one a line; they may have blanks in them."""
    # Windows' editors begin a file with a byte order mark, which this encoding skips.
    lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    return [line.strip() for line in lines if line.strip()]


def find_stems(
    root: Path, folder: str, suffix: str, lists: Sequence[str] = LISTS
) -> list[tuple[str, list[str]]]:
    """Names of the lists of a folder, and the stems in each.

    Args:
        root: Where the lists are, `train.txt` and the like.
        folder: Without lists, all files in it are one list, 'all'.
        suffix: End of their names.
        lists: Names of the lists that there may be.
    """
    paths = [root / f'{name}.txt' for name in lists]
    found = [path for path in paths if path.is_file()]
    if found:
        return [(path.stem, read_list(path)) for path in found]
    stems = sorted(
        path.relative_to(root / folder).as_posix().removesuffix(suffix)
        for path in (root / folder).rglob(f'*{suffix}')
    )
    return [('all', stems)]


def check_files(
    root: Path, record: Record, folders: Mapping[str, Folder], decode: bool = True
) -> list[str]:
    """What is wrong with the files of a sample.

    Args:
        root: The prepared folder.
        record: What was written.
        folders: What each folder holds.
        decode: Whether to decode and check the contents, too, besides the hash.
    """
    problems = []
    for name, folder in folders.items():
        path = f'{name}/{record.stem}{folder.suffix}'
        try:
            content = (root / path).read_bytes()
        except OSError:
            problems.append(f'{path} is missing or not readable')
            continue
        if decode:
            try:
                array = decode_complete(content, color=folder.channels == 3)
                folder.check(array)
                if array.shape[:2] != tuple(record.size):
                    raise ValueError(
                        f'has size {array.shape[:2]}, the sample {tuple(record.size)}'
                    )
            except ValueError as error:
                problems.append(f'{path} {error}')
                continue
        if fingerprint(content) != list(record.files.get(name, [])):
            problems.append(f'{path} is not the file that was written')
    return problems


def check_folder(root: Path, executor: Executor | None = None) -> list[str]:
    """Everything that is wrong with a prepared folder; nothing if it is sound.

    Args:
        root: The prepared folder.
        executor: Processes that share the work; by default this one does it.

    Raises:
        FileNotFoundError: If it has no `meta.json`.
        ValueError: If that is damaged.
    """
    meta = read_meta(root)
    folders = {name: Folder(**values) for name, values in meta['folders'].items()}
    records = [Record(**sample) for sample in meta['samples']]
    count = len(records)
    arguments = [root] * count, records, [folders] * count
    results = (
        map(check_files, *arguments)
        if executor is None
        else executor.map(check_files, *arguments, chunksize=16)
    )
    problems = [problem for result in results for problem in result]
    for split in meta['splits']:
        stems = [record.stem for record in records if record.split == split]
        path = root / f'{split}.txt'
        if not path.is_file():
            problems.append(f'{path.name} is missing')
        elif path.read_bytes() != ''.join(f'{stem}\n' for stem in stems).encode():
            problems.append(f'{path.name} does not list the samples of {META}')
    for name, folder in folders.items():
        written = {f'{record.stem}{folder.suffix}' for record in records}
        present = (p for p in (root / name).rglob('*') if p.is_file())
        stray = {p.relative_to(root / name).as_posix() for p in present} - written
        problems += [f'{name}/{path} belongs to no sample' for path in sorted(stray)]
    return problems


def as_json(record: Record) -> dict[str, Any]:
    """Turn a record into what JSON gives back, so that both compare equal."""
    return dict(json.loads(json.dumps(asdict(record))))
