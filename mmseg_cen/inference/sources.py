"""Files, folders, patterns, videos and arrays as lists of sources with keys."""

import glob
import os
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from mmseg_cen.disk import find_files
from mmseg_cen.transforms.decoding import decode, turn_picture
from mmseg_cen.transforms.given import Source

from .patterns import match_files

VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')
#: What a folder of samples may hold; other files in it are passed over.
READABLE = {
    '.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm', '.pnm',
    '.npy', '.npz',
}  # fmt: skip


class Video:
    """Frames of a video, read one after another.

    Args:
        path: The file.

    Raises:
        ValueError: If OpenCV cannot read it, or its header has no number of frames.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._capture = cv2.VideoCapture(path)
        self._next = 0
        if not self._capture.isOpened():
            raise ValueError(
                f'the video must be one that OpenCV reads, got {path!r}: convert it to '
                'MP4, or to a folder of images'
            )
        if len(self) == 0:
            raise ValueError(
                'the video must have the number of its frames in its header, got none '
                f'in {path!r}: convert it to MP4, or to a folder of images'
            )

    def __len__(self) -> int:
        return max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)

    def read(self, index: int) -> np.ndarray:
        """Frame ``index``, (H, W, 3), uint8, BGR; those before it are passed over."""
        if index < self._next:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, index)
            self._next = index
        while self._next < index and self._capture.grab():
            self._next += 1
        is_read, frame = self._capture.read()
        self._next += 1
        if not is_read:
            raise ValueError(
                f'the video must have {len(self)} frames, as its header says, got no '
                f'frame {index} in {self.path!r}: convert it to a folder of images'
            )
        return frame


@dataclass(frozen=True)
class Frame:
    """One frame of a video, not read yet."""

    video: Video
    index: int

    def read(self) -> np.ndarray:
        """(H, W, 3), uint8, BGR."""
        return self.video.read(self.index)


@dataclass(frozen=True)
class Sources:
    """All sources of one modality.

    Args:
        items: Paths, arrays, tensors or frames.
        keys: What pairs each with a source of another modality; None: its position.
        what: What they are called in messages.
        is_folder: Whether keys are names of samples, folders kept.
    """

    items: list[Any]
    keys: list[str] | None
    what: str
    is_folder: bool = False

    @property
    def ordered(self) -> list[Any]:
        """The items in order: files of a folder by numbers, ``2.png, 10.png``."""
        return sorted(self.items, key=_by_numbers) if self.is_folder else self.items


def sources_of(name: str, given: Any, suffix: str | tuple[str, ...] = ()) -> Sources:
    """The sources that a value given for a modality stands for.

    Args:
        name: Name of the modality.
        given: A path of a file, folder, video or pattern (``'d/*_rgb.png'``), an array,
            a tensor, or a list of these.
        suffix: How the files of the training end. In a folder, the stem of a file is
            its path there without it, else without the usual suffix.

    Raises:
        ValueError: If there are no files, it is an array of several samples, or
            something else.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(given, (str, os.PathLike)):
        return _of_path(name, str(given), suffix)
    if isinstance(given, (np.ndarray, Tensor)):
        if given.ndim > 3:
            raise ValueError(
                f'`{name}` must be an array of one sample, or a list of such, got one '
                f'of the shape {tuple(given.shape)}: write list(array)'
            )
        return Sources([given], None, f'{name}, an array')
    if not isinstance(given, Sequence) or not given:
        raise ValueError(
            f'`{name}` must be a path, an array, a tensor or a list of them, got '
            f'{given!r}: correct it'
        )
    if len(given) == 1:
        return sources_of(name, given[0], suffix)
    for one in given:
        if isinstance(one, (str, os.PathLike)):
            _require(name, str(one))
    paths = [str(one) for one in given if isinstance(one, (str, os.PathLike))]
    keys = [_stem(Path(path).name, suffix) for path in paths]
    are_keys = len(paths) == len(given) == len({*keys})
    return Sources([*given], keys if are_keys else None, f'{name}, a list')


def _by_numbers(path: str) -> list[Any]:
    """A key by which files are sorted as they are counted, not as they are spelled."""
    parts = re.split(r'(\d+)', path)
    return [int(part) if k % 2 else part for k, part in enumerate(parts)]


def _of_path(name: str, path: str, suffix: str | tuple[str, ...]) -> Sources:
    if os.path.isdir(path):
        files = [f for f in find_files(path) if f.suffix.lower() in READABLE]
        ends = (suffix,) if isinstance(suffix, str) else tuple(suffix)
        if ends and not any(end.startswith('.') for end in ends):  # as '_depth.png'
            files = [f for f in files if f.name.endswith(ends)] or files
        items = [str(file) for file in files]
        keys = [_stem(file.relative_to(path).as_posix(), suffix) for file in files]
        return _distinct(name, Sources(items, keys, f'{name}, {path!r}', True))
    if glob.has_magic(path) and not os.path.exists(path):
        items, keys = match_files(path)
        if path[-1] in '*?]':
            keys = [_stem(key, ()) for key in keys]
        return _distinct(name, Sources(items, keys, f'{name}, {path!r}', True))
    _require(name, path)
    if path.lower().endswith(VIDEOS):
        video = Video(path)
        frames = [Frame(video, index) for index in range(len(video))]
        return Sources(frames, None, f'{name}, {path!r}')
    return Sources([path], None, f'{name}, {path!r}')


def _distinct(name: str, sources: Sources) -> Sources:
    if not sources.items:
        raise ValueError(
            f'`{name}` must lead to files, got none of {sources.what}: check the path '
            f'(files end with {", ".join(sorted(READABLE))})'
        )
    counts = Counter(sources.keys)
    if twice := sorted(key for key, count in counts.items() if count > 1)[:3]:
        raise ValueError(
            f'`{name}` must have one file of each stem, got several of {twice} in '
            f'{sources.what}: name them by a pattern, such as {"*.png"!r}'
        )
    return sources


def _require(name: str, path: str) -> None:
    if not os.path.isfile(path) and '://' not in path:
        found = 'is a folder' if os.path.isdir(path) else 'does not exist'
        raise FileNotFoundError(
            f'the file of {name} must be a file, got {path!r}, which {found}: give a '
            f'path from {os.getcwd()!r}, or an absolute one'
        )


def _stem(file: str, suffix: str | tuple[str, ...]) -> str:
    ends = (suffix,) if isinstance(suffix, str) else suffix
    end = next((end for end in ends if end and file.endswith(end)), None)
    return file.removesuffix(end or Path(file).suffix)


def names_in(path: str, names: Sequence[str]) -> list[str]:
    """Those out of ``names`` that are names of arrays of a ``.npz`` file.

    Raises:
        ValueError: If the file is damaged.
    """
    if not path.lower().endswith('.npz') or not os.path.isfile(path):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            stored = archive.namelist()
    except zipfile.BadZipFile as error:
        raise ValueError(
            f'a .npz file must be complete, got a damaged one ({error}), {path}: '
            'replace it'
        ) from error
    return [name for name in names if f'{name}.npy' in stored]


def of_archive(path: str, names: Sequence[str]) -> dict[str, Source] | None:
    """The arrays of a ``.npz`` file with one under each modality; None: another file.

    Pictures in it are red first, as in other files, and turned blue first here; other
    arrays stay as they are.

    Raises:
        ValueError: If the file is damaged, or holds no numbers.
    """
    found = names_in(path, names)
    if not found:
        return None
    content = Path(path).read_bytes()
    sources: dict[str, Source] = {}
    for name in found:
        try:
            sources[name] = turn_picture(name, decode(content, '.npz', key=name))
        except ValueError as error:
            raise ValueError(f'{name}: {path}: {error}') from error
    return sources


def as_source(item: Any) -> Source:
    """What a pipeline loads: a frame is read."""
    source: Source = item.read() if isinstance(item, Frame) else item
    return source


def is_mapping_of(given: Any, names: Sequence[str]) -> bool:
    """Whether a value has sources under names of modalities."""
    return isinstance(given, Mapping) and {*given} <= {*names} and bool(given)
