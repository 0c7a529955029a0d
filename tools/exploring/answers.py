"""From what the page asks to what it shows: pictures with captions, and words."""

import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_cen.mistakes import describe, one_line
from mmseg_cen.once import heard_warnings
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.transforms.inspection import is_depth
from mmseg_cen.visualization.panels import Picture, color_labels
from mmseg_cen.visualization.samples import title

from . import pictures, words
from .explorer import Explorer, View, given_of, write_files
from .questions import NO_SAMPLE, Asked, Stored
from .samples import Sample

#: A picture and its caption.
Drawn = tuple[Picture, str]


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
    pictures: dict[str, Drawn] = field(default_factory=dict)
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
            [*names, 'overlay'],
            [*streams, ENSEMBLE],
            ['confidence', 'disagreement', 'truth'],
        ]
        self.titles = {key: title(key) for row in self.rows for key in row}
        self.titles |= {f'stream/{name}': f'{title(name)} stream' for name in names}
        self.titles |= dict(
            truth='Ground truth',
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
        files, stored = rest[: len(names)], rest[len(names) :]
        return Asked(
            sample,
            [name for name in names if name in present],
            threshold if self.explorer.norms else None,
            {name: file for name, file in zip(names, files, strict=True) if file},
            {name: Stored(*stored[3 * m :][:3]) for m, name in enumerate(names)},
        )

    def answer(self, asked: Asked) -> Answer:
        """Predict and draw; what is wrong is said in the answer."""
        with heard_warnings() as heard:
            try:
                answer = self._shown(self.view(asked), asked)
            except Exception as error:
                answer = Answer(words.error(self._said(error)))
        doubts = map(words.warning, map(self._without_folder, heard))
        return replace(answer, status=answer.status + ''.join(doubts))

    def write(self, asked: Asked, folder: Path) -> tuple[str, list[Path]]:
        """Write all files of a prediction; what is wrong, and their paths."""
        try:
            return '', write_files(self.view(asked).prediction, folder)
        except Exception as error:
            return words.error(self._said(error)), []

    def view(self, asked: Asked) -> View:
        """The prediction of a question."""
        if asked.sample == NO_SAMPLE:
            given = given_of(asked.files)
            stored = {name: one.options(name) for name, one in asked.stored.items()}
        else:  # stored as the config says
            given, stored = self.samples[asked.sample].given, {}
        return self.explorer.predict(given, asked.present, asked.threshold, stored)

    def _shown(self, view: View, asked: Asked) -> Answer:
        prediction = view.prediction
        classes, palette = prediction.meta['classes'], prediction.palette
        labels = prediction.labels
        size = f'{labels.shape[1]}x{labels.shape[0]} pixels'
        said = [f'{prediction.name}, {size}.']
        shown = self._inputs(view) | self._outputs(view)
        truth = None
        if asked.sample != NO_SAMPLE:
            truth = self.samples[asked.sample].truth
        if truth is not None and truth.shape == labels.shape:
            counted = truth != self.samples[asked.sample].ignored
            colors = color_labels(np.where(counted, truth, -1), palette)
            shown['truth'] = colors, self.titles['truth']
            if counted.any():
                right = 100 * (labels == truth)[counted].mean()
                said.append(f'The ensemble is right in {right:.1f} % of the pixels.')
        if view.absent:
            said.append(f'Predicted without {", ".join(view.absent)}.')
        if asked.threshold is not None and len(asked.present) < 2:
            said.append('One stream alone exchanges nothing.')
        return Answer(
            words.said(said),
            {key: self._panel(key, shown, labels.shape) for key in self.titles},
            words.legend(labels, classes, palette),
            words.alpha_bar({title(name): one for name, one in view.alpha.items()}),
            words.share_bars(view.shares, [*map(title, self.explorer.names)]),
        )

    def _panel(
        self, key: str, shown: Mapping[str, Drawn], shape: tuple[int, ...]
    ) -> Drawn:
        """A picture of the page; a gray one where there is nothing to show."""
        nothing = pictures.blank(shape), f'{self.titles[key]}: none'
        picture, caption = shown.get(key, nothing)
        return pictures.enlarged(picture), caption

    def _inputs(self, view: View) -> dict[str, Drawn]:
        """The modalities that are on."""
        shown = {}
        for name, image in view.prediction.images.items():
            if name in view.absent:
                continue
            modality = self.explorer.modalities[name]
            unit = 'm' if is_depth(name, modality) else ''
            picture, span = pictures.modality_picture(image, unit)
            shown[name] = picture, ': '.join(filter(None, (self.titles[name], span)))
        return shown

    def _outputs(self, view: View) -> dict[str, Drawn]:
        """The ensemble, the streams, and how sure they are."""
        prediction = view.prediction
        palette, streams = prediction.palette, prediction.streams
        confidence = prediction.confidence
        shown = {
            'overlay': (prediction.overlay(), self.titles['overlay']),
            ENSEMBLE: (color_labels(prediction.labels, palette), self.titles[ENSEMBLE]),
            'confidence': (
                pictures.confidence_picture(confidence),
                f'Confidence, mean {confidence.mean():.2f}',
            ),
        }
        for name, labels in streams.items():
            key = f'stream/{name}'
            shown[key] = color_labels(labels, palette), self.titles[key]
        if len(streams) > 1:
            differs = pictures.disagreement(streams)
            caption = f'Streams disagree: {100 * differs.mean():.1f} %'
            shown['disagreement'] = pictures.disagreement_picture(differs), caption
        return shown

    def _said(self, error: Exception) -> str:
        """What is wrong; a mistake of the program is told in full on the terminal."""
        line = describe(error)
        if line is None:
            traceback.print_exception(error)
            line = (
                f'{type(error).__name__}: {one_line(error)} (unexpected: report the '
                'traceback on the terminal of the page)'
            )
        return self._without_folder(line)

    def _without_folder(self, line: str) -> str:
        """Uploaded files lie in folders of the page, whose names nobody knows."""
        return re.sub(rf'{re.escape(str(self.folder))}/(\w+/)*', '', line)
