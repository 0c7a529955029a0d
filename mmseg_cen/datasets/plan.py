"""What a tool of tools/dataset_converters says about a data set to prepare."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from .layout import Folder

# What reading a damaged file raises: h5py has KeyError and RuntimeError, zip files
# their own.
READ_ERRORS = (ValueError, OSError, KeyError, IndexError, RuntimeError, EOFError)


@dataclass(frozen=True)
class Sample:
    """One sample to convert.

    Args:
        stem: Its name in the lists and the stem of its files; may contain folders.
        split: The list it is in.
        source: What the tool's ``convert`` needs to find it.
        inputs: The official files of this sample alone.
        groups: See :class:`mmseg_cen.datasets.layout.Record`.
    """

    stem: str
    split: str
    source: Any = None
    inputs: tuple[str, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A data set to prepare.

    Args:
        dataset: Its name.
        folders: What is written.
        samples: In the order of the lists.
        convert: From a sample to its arrays (BGR if of three channels), or encoded
            files to be kept as they are, by folder; raises one of
            :data:`READ_ERRORS` about a sample that cannot be. It runs in other
            processes, so it must be picklable.
        splits: The lists and how many samples the official ones have, if known.
        sources: Official files that all samples depend on.
        options: Choices that the result depends on.
        classes: Names of the classes of the folder ``label``.
        palette: Their colours.
        warnings: What was remarkable about the download.
        problems: What is wrong with it, beyond single samples.
        extras: Other files that the tool writes when the rest is finished.
    """

    dataset: str
    folders: Mapping[str, Folder]
    samples: Sequence[Sample]
    convert: Callable[[Sample], Mapping[str, NDArray[Any] | bytes]]
    splits: Mapping[str, int | None]
    sources: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: Sequence[str] = ()
    palette: Sequence[Sequence[int]] = ()
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()
    extras: Sequence[str] = ()
