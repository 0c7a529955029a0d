"""From what the page asks to what it shows: pictures with captions, and words."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmseg_cen.mistakes import describe, one_line
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.transforms.inspection import is_depth
from mmseg_cen.visualization.panels import Picture, color_labels
from mmseg_cen.visualization.samples import title

from . import pictures, words
from .explorer import Explorer, View, given_of, write_files
from .samples import Sample

#: In the place of the number of a sample: files were uploaded.
NO_SAMPLE = -1


class Asked(NamedTuple):
    """What the page asks.

    Args:
        sample: Number of a sample, or :data:`NO_SAMPLE`.
        present: Names of the modalities that are switched on.
        threshold: Of the exchange; None: that of the training.
        files: Paths of uploaded files by modality.
        stored: Options of modalities, by name.
    """

    sample: int
    present: list[str]
    threshold: float | None
    files: dict[str, str]
    stored: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What the page shows.

    Args:
        status: Words, as HTML.
        pictures: A picture and its caption, by ``'rgb'``, ``'stream/rgb'``,
            ``'ensemble'`` and so on.
        legend: Classes, as HTML.
        alpha: Weights of the streams, as HTML.
        shares: Exchanged channels, as HTML.
    """

    status: str
    pictures: dict[str, tuple[Picture, str]] = field(default_factory=dict)
    legend: str = ''
    alpha: str = ''
    shares: str = ''


class Desk:
    """Answers what the page asks.

    Args:
        explorer: The network.
        samples: What can be picked.
        folder: Where files to download are written.
    """

    def __init__(
        self, explorer: Explorer, samples: Sequence[Sample], folder: Path
    ) -> None:
        self.explorer = explorer
        self.samples = list(samples)
        self.folder = folder
        names = explorer.names
        streams = [f'stream/{name}' for name in names]
        self.rows = [
            [*names, 'truth'],
            [*streams, ENSEMBLE],
            ['overlay', 'confidence', 'disagreement'],
        ]
        self.titles = {key: title(key) for row in self.rows for key in row}
        self.titles |= {f'stream/{name}': f'{title(name)} stream' for name in names}
        self.titles |= dict(
            truth='Ground truth',
            overlay='Prediction over the image',
            disagreement='Where streams disagree',
        )

    def read(self, values: Sequence[Any]) -> Asked:
        """The values of the page's components, in their order.

        Args:
            values: Number of the sample, modalities that are on, threshold, a file of
                each modality, and its unit, invalid values and whether it is resized.
        """
        names = self.explorer.names
        sample, present, threshold, *rest = values
        files = dict(zip(names, rest, strict=False))
        stored = {}
        for m, name in enumerate(names):
            unit, invalid, resize = rest[len(names) + 3 * m :][:3]
            options = dict(
                scale=_number(f'{name}-unit', unit) if (unit or '').strip() else None,
                invalid=(invalid or '').replace(',', ' ').split() or None,
                resize=resize or None,
            )
            stored[name] = {key: one for key, one in options.items() if one is not None}
        return Asked(
            sample,
            [name for name in names if name in present],
            threshold if self.explorer.norms else None,
            {name: file for name, file in files.items() if file},
            {name: options for name, options in stored.items() if options},
        )

    def answer(self, asked: Asked) -> Answer:
        """Predict and draw; what is wrong is said in the answer."""
        try:
            return self._shown(self.view(asked), asked)
        except Exception as error:
            return Answer(words.error(_said(error)))

    def write(self, asked: Asked, folder: Path) -> tuple[str, list[Path]]:
        """Write all files of a prediction; what is wrong, and their paths."""
        try:
            return '', write_files(self.view(asked).prediction, folder)
        except Exception as error:
            return words.error(_said(error)), []

    def view(self, asked: Asked) -> View:
        """The prediction of a question."""
        if asked.sample == NO_SAMPLE:
            given, stored = given_of(asked.files), asked.stored
        else:  # stored as the config says
            given, stored = self._sample(asked).given, {}
        return self.explorer.predict(given, asked.present, asked.threshold, stored)

    def _sample(self, asked: Asked) -> Sample:
        return self.samples[asked.sample]

    def _shown(self, view: View, asked: Asked) -> Answer:
        prediction = view.prediction
        classes, palette = prediction.meta['classes'], prediction.palette
        labels, streams = prediction.labels, prediction.streams
        shown: dict[str, tuple[Picture, str]] = {}
        for name, image in prediction.images.items():
            if name in view.absent:
                off = pictures.switched_off(labels.shape)
                shown[name] = off, f'{title(name)}: off'
                continue
            modality = self.explorer.modalities[name]
            unit = 'm' if is_depth(name, modality) else ''
            picture, span = pictures.modality_picture(image, unit)
            shown[name] = picture, ': '.join(filter(None, (title(name), span)))
        for name, one in streams.items():
            key = f'stream/{name}'
            shown[key] = color_labels(one, palette), self.titles[key]
        confidence = prediction.confidence
        shown[ENSEMBLE] = color_labels(labels, palette), self.titles[ENSEMBLE]
        shown['overlay'] = prediction.overlay(), self.titles['overlay']
        shown['confidence'] = (
            pictures.confidence_picture(confidence),
            f'Confidence, mean {confidence.mean():.2f}',
        )
        said = [f'{prediction.name}, {labels.shape[1]}x{labels.shape[0]} pixels.']
        if len(streams) > 1:
            differs = pictures.disagreement(streams)
            shown['disagreement'] = (
                pictures.disagreement_picture(differs),
                f'Streams disagree: {100 * differs.mean():.1f} %',
            )
        if asked.sample != NO_SAMPLE:
            said += self._compare(self._sample(asked), labels, palette, shown)
        if view.absent:
            said.append(f'Predicted without {", ".join(view.absent)}.')
        if asked.threshold is not None and len(asked.present) < 2:
            said.append('One stream alone exchanges nothing.')
        return Answer(
            words.said(said),
            {key: (pictures.enlarged(p), text) for key, (p, text) in shown.items()},
            words.legend(labels, classes, palette),
            words.alpha_bar({title(name): one for name, one in view.alpha.items()}),
            words.share_bars(view.shares, [*map(title, self.explorer.names)]),
        )

    def _compare(
        self,
        sample: Sample,
        labels: Any,
        palette: Any,
        shown: dict[str, tuple[Picture, str]],
    ) -> list[str]:
        """Show the labels of a sample, and tell how much is right."""
        truth = sample.truth
        if truth is None or truth.shape != labels.shape:
            return []
        counted = truth != sample.ignored
        shown['truth'] = (
            color_labels(np.where(counted, truth, -1), palette),
            self.titles['truth'],
        )
        if not counted.any():
            return []
        right = (labels == truth)[counted].mean()
        return [f'The ensemble is right in {100 * right:.1f} % of the pixels.']


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            f'`{name}` must be a number, got {text!r}: write e.g. 0.001'
        ) from None


def _said(error: Exception) -> str:
    """What is wrong, in one line; a mistake of the program is told on the terminal."""
    line = describe(error)
    if line is None:
        traceback.print_exception(error)
        return (
            f'{type(error).__name__}: {one_line(error)} (unexpected: the terminal of '
            'the page has more)'
        )
    return line
