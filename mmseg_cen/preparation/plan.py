"""What a tool of tools/dataset_converters says about a data set to prepare."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from mmseg_cen.plausibility import ROOMS

from .layout import Folder

# What reading a damaged file raises: h5py has KeyError and RuntimeError, zip files
# their own.
READ_ERRORS = (ValueError, OSError, KeyError, IndexError, RuntimeError, EOFError)


@dataclass(frozen=True)
class Sample:
    """One sample to convert.

    Args:
        stem: Name of the sample in the lists, and stem of its files; may contain
            folders.
        split: The list that names the sample.
        source: What the tool's ``convert`` needs to find the sample.
        inputs: The official files of this sample alone.
        groups: What the sample is counted under, see
            :class:`mmseg_cen.preparation.layout.Record`.
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
        dataset: Name of the data set.
        folders: What is written.
        samples: In the order of the lists.
        convert: From a sample to its arrays (BGR if of three channels), or encoded
            files to be kept as they are, by folder; raises one of
            :data:`READ_ERRORS` if the sample cannot be converted. It runs in other
            processes, so it must be picklable.
        splits: The lists and how many samples the official ones have, if known.
        sources: Official files that all samples depend on.
        options: Choices that the result depends on.
        classes: Names of the classes of the folder ``label``.
        palette: Colors of the classes.
        warnings: What was remarkable about the download.
        problems: What is wrong with the download, beyond single samples.
        plausible: Meters between which the median depth lies that needs no warning.
        turns: Whether ``convert`` turns images as their orientation tags (EXIF) say.
        extras: Contents of other files beside the folders; None for a file that the
            tool itself writes when the rest is finished.
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
    plausible: tuple[float, float] = ROOMS
    turns: bool = False
    extras: Mapping[str, bytes | None] = field(default_factory=dict)
