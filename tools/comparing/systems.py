"""Systems that are compared: what they predicted of the same images, for some seeds."""

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import glob
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.metrics import (
    PerImage,
    iou,
    mean_over_classes,
    read_per_image,
    stacked,
)
from mmseg_cen.metrics.agreement import widest_of
from mmseg_cen.streams.fold import ENSEMBLE

from .trained import concern_of

#: Name of the file of a training's last validation, in its work directory.
PER_IMAGE = 'per_image.npz'


@dataclass(frozen=True)
class System:
    """A system: a name, the files of its runs, and the output that is compared.

    Args:
        name: Its name in tables.
        files: Names and contents of the files, one for each seed.
        output: A modality or ``'ensemble'``.
    """

    name: str
    files: list[tuple[str, PerImage]]
    output: str = ENSEMBLE

    @property
    def first(self) -> PerImage:
        """The first run."""
        return self.files[0][1]

    @cached_property
    def classes(self) -> NDArray[np.float64]:
        """IoU of each class in percent, (S, K)."""
        return iou(stacked(self.files, self.output).sum(1))

    def means(
        self, output: str, counted: NDArray[np.bool_] | None = None
    ) -> list[float]:
        """The mIoU of an output in each run; empty if it has no such output."""
        if output not in self.first.areas:
            return []
        values = iou(stacked(self.files, output).sum(1))
        every = np.ones(values.shape[-1], bool)
        found = mean_over_classes(values, every if counted is None else counted)
        return [float(value) for value in found]

    def shares(self, name: str) -> list[float]:
        """A share of pixels in each run, in percent; empty if it has none.

        Of several shares whose names begin so, it is the one of all streams.
        """
        found = []
        for _, run in self.files:  # data may name the streams in another order
            widest = widest_of(key for key in run.shares if key.startswith(name))
            if widest is None:
                return []
            part, whole = run.shares[widest].sum(0)
            found += [float(100 * part / whole)] if whole else []
        return found


def read_system(text: str, output: str = ENSEMBLE) -> System:
    """Read a system from ``[NAME=]PATH[@OUTPUT]``.

    Args:
        text: ``PATH`` is a file of ``tools/test.py --per-image``, a pattern of such
            files, or a folder of work directories of :data:`PER_IMAGE`.
        output: The output, where the text names none.

    Raises:
        FileNotFoundError: If there are no such files.
        ValueError: If one of them is of another kind.
    """
    name, path = '', text
    if not Path(text).exists() and '=' in text:
        name, path = text.split('=', 1)
    if not Path(path).exists() and '@' in path:
        path, output = path.rsplit('@', 1)
    files = [path] if Path(path).is_file() else glob(path, recursive=True)
    if Path(path).is_dir():
        files = [str(file) for file in Path(path).rglob(PER_IMAGE)]
    if not files:
        raise FileNotFoundError(
            f'`systems` must be files of each image, or folders that hold {PER_IMAGE}, '
            f'got {text!r}: write one by tools/test.py CONFIG CHECKPOINT --per-image '
            f'FILE'
        )
    runs = [(file, read_per_image(file)) for file in sorted(files)]
    for file, run in runs:
        if run.areas.keys() != runs[0][1].areas.keys():
            raise ValueError(
                'runs of a system must have the same outputs, got '
                f'{[*runs[0][1].areas]} in {runs[0][0]} and {[*run.areas]} in {file}: '
                'name the files of one kind of test, e.g. by a pattern'
            )
    for (first, one), (second, other) in combinations(runs, 2):
        if all(
            np.array_equal(one.areas[name], other.areas[name]) for name in one.areas
        ):
            print(
                f'{second} has all figures of {first}, as a copy has: it counts as a '
                'run of its own, remove it if it is none',
                file=sys.stderr,
            )
    system = System(name or text, runs, output)
    for (file, _), miou in zip(runs, system.means(ENSEMBLE), strict=True):
        if words := concern_of(Path(file), miou):
            print(words, file=sys.stderr)
    return system


def chosen(classes: Sequence[str], left_out: Sequence[str]) -> NDArray[np.bool_]:
    """Mask (K,) of the classes that are not left out.

    Raises:
        ValueError: If a class is unknown, or none is left.
    """
    unknown = [name for name in left_out if name not in classes]
    kept = np.array([name not in left_out for name in classes])
    if unknown or not kept.any():
        raise ValueError(
            f'classes to leave out must be among {list(classes)}, and not all, got '
            f'{unknown or list(left_out)}: correct the names'
        )
    return kept


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean and, of several values, standard deviation; of NaN, none."""
    if not values:
        return ''
    if any(map(math.isnan, values)):
        return 'nan'
    text = f'{statistics.mean(values):.{digits}f}'
    if len(values) > 1:
        text += f' ± {statistics.stdev(values):.{digits}f}'
    return text
