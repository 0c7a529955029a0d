"""What a checkpoint predicts for the validation data, kept in the work directory."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.disk import replacing

#: Name of the file in the work directory.
CACHE = 'report_predictions.npz'
#: A cache of another version is made anew.
VERSION = 2
#: Bins of the confidence.
BINS = 15
#: A bin with less than this share of the pixels has no accuracy worth drawing.
FEW = 1e-4


@dataclass
class Predictions:
    """Counts and pictures of one pass over the validation data.

    Args:
        facts: ``checkpoint``, ``samples`` (how many), ``of`` (of how many), ``stamp``
            (what must not change), ``metric`` (of ``scores``), ``classes``, ``palette``
            and ``outputs``: streams and the ensemble.
        images: Names of the samples, N.
        scores: Score of the ensemble in each sample, (N,); NaN where there is none.
        confusion: Pixels by true and by predicted class, (O, K, K).
        calibration: Of each output and bin of the confidence: pixels, sum of the
            confidence, right pixels: (O, BINS, 3).
        panels: Pictures of samples, as JPEG files: ``('best', number of the sample,
            file)``.
    """

    facts: dict[str, Any]
    images: list[str]
    scores: NDArray[np.floating]
    confusion: NDArray[np.int64]
    calibration: NDArray[np.float64]
    panels: list[tuple[str, int, bytes]] = field(default_factory=list)

    @property
    def outputs(self) -> list[str]:
        """Streams in order, and the ensemble."""
        return list(self.facts['outputs'])

    @property
    def classes_known(self) -> bool:
        """Whether there are classes: not for a translation."""
        return bool(self.facts['classes'])

    def iou(self, output: str) -> NDArray[np.float64]:
        """IoU of each class in percent, (K,); NaN if it occurs nowhere."""
        matrix = self.confusion[self.outputs.index(output)].astype(float)
        both = matrix.diagonal()
        union = matrix.sum(0) + matrix.sum(1) - both
        return 100 * np.divide(
            both, union, out=np.full_like(both, np.nan), where=union > 0
        )

    def accuracy(self, output: str) -> NDArray[np.float64]:
        """Share of the pixels of each class that are right, percent, (K,)."""
        matrix = self.confusion[self.outputs.index(output)].astype(float)
        true = matrix.sum(1)
        both = matrix.diagonal()
        return 100 * np.divide(
            both, true, out=np.full_like(both, np.nan), where=true > 0
        )

    @property
    def frequency(self) -> NDArray[np.float64]:
        """Share of the labeled pixels that each class has, percent, (K,)."""
        true = self.confusion[-1].sum(1).astype(float)
        return 100 * true / max(true.sum(), 1)

    def reliability(self, output: str) -> tuple[NDArray, NDArray, float]:
        """Mean confidence and accuracy of the bins, (BINS,), and the ECE in percent.

        The expected calibration error is the mean of |accuracy - confidence| over the
        bins, weighted by their pixels (Guo et al., On Calibration of Modern Neural
        Networks, ICML 2017, Eq. 3).
        """
        count, confidence, right = self.calibration[self.outputs.index(output)].T
        # Some pixels are no share: bins of next to none are left out of the plot.
        known = np.where(count > FEW * count.sum(), count, np.nan)
        gap = np.abs(right - confidence)
        ece = 100 * float(gap.sum() / max(count.sum(), 1))
        return confidence / known, right / known, ece


def confidence_bins(
    confidence: NDArray[np.floating], right: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Pixels, sum of the confidence and right pixels of each bin: (BINS, 3).

    Args:
        confidence: Probability of the predicted class, (N,).
        right: Whether it is the true one, (N,).
    """
    place = (confidence * BINS).astype(np.int64).clip(0, BINS - 1)
    return np.stack(
        [
            np.bincount(place, minlength=BINS),
            np.bincount(place, confidence, minlength=BINS),
            np.bincount(place, right, minlength=BINS),
        ],
        axis=1,
    )


def confusion_of(
    predicted: NDArray[np.integer], true: NDArray[np.integer], num_classes: int
) -> NDArray[np.int64]:
    """Pixels by true and by predicted class, (K, K), of pixels (N,) with a class."""
    known = (predicted >= 0) & (predicted < num_classes)
    pairs = true[known].astype(np.int64) * num_classes + predicted[known]
    counts = np.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def mean_iou(confusion: NDArray[np.integer]) -> float:
    """MIoU of one sample, percent, over the classes in its labels or prediction."""
    both = confusion.diagonal()
    union = confusion.sum(0) + confusion.sum(1) - both
    known = union > 0
    return 100 * float((both[known] / union[known]).mean()) if known.any() else np.nan


def write_predictions(folder: Path, found: Predictions) -> None:
    """Keep predictions in a work directory."""
    panels = {
        f'panel_{k}': np.frombuffer(content, np.uint8)
        for k, (_, _, content) in enumerate(found.panels)
    }
    facts = {
        **found.facts,
        'version': VERSION,
        'panels': [(kind, number) for kind, number, _ in found.panels],
    }
    with (
        replacing(folder / CACHE) as unfinished,
        unfinished.open('wb') as file,
    ):
        np.savez_compressed(
            file,
            facts=np.array(json.dumps(facts)),
            images=np.array(found.images, np.str_),
            scores=found.scores,
            confusion=found.confusion,
            calibration=found.calibration,
            **panels,
        )


def read_predictions(folder: Path) -> Predictions | None:
    """The predictions that are kept in a work directory; None if there are none."""
    path = folder / CACHE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(str(arrays['facts']))
        if facts['version'] != VERSION:
            return None
        panels = [
            (kind, number, arrays[f'panel_{k}'].tobytes())
            for k, (kind, number) in enumerate(facts['panels'])
        ]
        return Predictions(
            facts,
            arrays['images'].tolist(),
            arrays['scores'],
            arrays['confusion'],
            arrays['calibration'],
            panels,
        )
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        return None  # another file, or half of one: it is made anew
