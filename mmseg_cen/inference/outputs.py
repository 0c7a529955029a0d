"""What is written of a prediction: labels, pictures, probabilities."""

import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmseg_cen.disk import write_atomically, write_picture
from mmseg_cen.once import warn_once
from mmseg_cen.visualization.class_maps import write_classes
from mmseg_cen.visualization.panels import (
    Picture,
    blend,
    color_labels,
    color_modality,
    default_palette,
)
from mmseg_cen.visualization.samples import draw_sample

from .samples import Given


@dataclass(frozen=True)
class Prediction:
    """A predicted sample.

    Args:
        name: Name of the sample, may have folders.
        sample: ``SegDataSample`` with ``pred_sem_seg``, ``seg_logits`` and, of a
            network that returns its streams, ``pred_streams`` and ``stream_logits``,
            all at the size of the image.
        images: Each modality as it was loaded, (C, H, W), in physical units, pictures
            in BGR; NaN where nothing was measured.
        meta: ``classes`` and perhaps ``palette`` of the network.
        are_probabilities: Whether ``seg_logits`` are probabilities.
    """

    name: str
    sample: Any
    images: dict[str, NDArray[Any]]
    meta: dict[str, Any]
    are_probabilities: bool = False

    @property
    def labels(self) -> NDArray[np.integer]:
        """Classes that the ensemble predicts, (H, W)."""
        return _labels(self.sample.pred_sem_seg.data)

    @property
    def streams(self) -> dict[str, NDArray[np.integer]]:
        """Classes that each stream predicts, (H, W), by name of the modality."""
        if 'pred_streams' not in self.sample:
            return {}
        found = self.sample.pred_streams
        return {n: _labels(found.get(n)) for n in self.images if n in found}

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Of the ensemble, (K, H, W); of a binary network of class 1, (1, H, W)."""
        scores: Tensor = self.sample.seg_logits.data.float()
        if not self.are_probabilities:
            scores = scores.softmax(dim=0)
        return np.asarray(scores.cpu().numpy())

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the predicted class, (H, W), in [0, 1]."""
        found = self.probabilities
        if len(found) == 1:
            return np.where(self.labels == 1, found[0], 1 - found[0])
        return np.asarray(found.max(axis=0))

    @property
    def palette(self) -> Sequence[Sequence[int]]:
        """RGB color of each class."""
        return self.meta.get('palette') or default_palette(len(self.meta['classes']))

    def overlay(self, opacity: float = 0.5) -> Picture:
        """The predicted classes over the first modality that is there, (H, W, 3)."""
        absent = self.sample.get('absent') or ()
        present = [name for name in self.images if name not in absent]
        main = 'rgb' if 'rgb' in present else present[0]
        picture, _ = color_modality(self.images[main])
        return blend(picture, color_labels(self.labels, self.palette), opacity)

    def panel(self) -> Picture:
        """Modalities, predictions of all streams, the overlay, and a legend."""
        packed = np.concatenate([*self.images.values()]).astype(np.float32)
        sample = self.sample.clone()
        channels = {name: len(image) for name, image in self.images.items()}
        sample.set_metainfo(dict(modalities=channels))
        return draw_sample(packed, sample, self.meta)


def _labels(data: Tensor) -> NDArray[np.integer]:
    return np.asarray(data.squeeze(0).long().cpu().numpy())


def _write_labels(path: Path, prediction: Prediction) -> None:
    write_classes(path, prediction.sample.to_dict(), len(prediction.meta['classes']))


def _write_colors(path: Path, prediction: Prediction) -> None:
    write_picture(path, color_labels(prediction.labels, prediction.palette))


def _write_overlay(path: Path, prediction: Prediction) -> None:
    write_picture(path, prediction.overlay())


def _write_panel(path: Path, prediction: Prediction) -> None:
    write_picture(path, prediction.panel())


def _write_confidence(path: Path, prediction: Prediction) -> None:
    shares = (255 * prediction.confidence).round().clip(0, 255)
    write_picture(path, shares.astype(np.uint8))


def _write_probabilities(path: Path, prediction: Prediction) -> None:
    content = io.BytesIO()
    np.savez_compressed(
        content,
        probabilities=prediction.probabilities.astype(np.float16),
        classes=np.array(prediction.meta['classes']),
    )
    write_atomically(path, content.getvalue())


#: Kinds of files: how each ends, and what writes it.
KINDS: dict[str, tuple[str, Callable[[Path, Prediction], None]]] = {
    'labels': ('.png', _write_labels),
    'colors': ('.png', _write_colors),
    'overlay': ('.png', _write_overlay),
    'panel': ('.png', _write_panel),
    'confidence': ('.png', _write_confidence),
    'probabilities': ('.npz', _write_probabilities),
}
#: The classes that each stream predicts, in a folder under the name of each.
STREAMS = 'streams'
DEFAULT_KINDS = ('labels', 'overlay', 'panel')


class Outputs:
    """Files of predictions, ``<out_dir>/<kind>/<name>.png``, each written whole.

    Args:
        out_dir: Folder; made if it does not exist.
        kinds: Out of :data:`KINDS` and :data:`STREAMS`.
        streams: Names of the streams of the network.

    Raises:
        ValueError: If a kind is unknown.
    """

    def __init__(
        self, out_dir: str | Path, kinds: Iterable[str], streams: Sequence[str]
    ) -> None:
        self.out_dir = Path(out_dir)
        self.kinds = tuple(kinds)
        self.streams = tuple(streams)
        known = [*KINDS, STREAMS]
        if (unknown := sorted({*self.kinds} - {*known})) or not self.kinds:
            raise ValueError(
                f'`save` must be kinds out of {known}, got {unknown or "none"}: '
                'correct them'
            )

    def paths(self, name: str) -> dict[str, Path]:
        """The files of a sample by kind; those of streams as ``streams/rgb``."""
        files = {
            kind: self.out_dir / kind / f'{name}{KINDS[kind][0]}'
            for kind in self.kinds
            if kind != STREAMS
        }
        if STREAMS in self.kinds:
            folders = [f'{STREAMS}/{stream}' for stream in self.streams]
            files |= {f: self.out_dir / f / f'{name}.png' for f in folders}
        return files

    def paths_of(self, prediction: Prediction) -> dict[str, Path]:
        """The files of a predicted sample by kind, of the streams that it has."""
        absent = {*self.streams} - prediction.streams.keys()
        without = {f'{STREAMS}/{stream}' for stream in absent}
        files = self.paths(prediction.name)
        return {kind: path for kind, path in files.items() if kind not in without}

    def without_own(self, samples: Iterable[Given]) -> list[Given]:
        """Samples but those that an earlier inference has written to the same folder.

        So the folder may lie in one that is read. Where all of them are of it, they are
        what was asked for.
        """
        kinds = (*KINDS, STREAMS)
        own = tuple(os.path.realpath(self.out_dir / kind) + os.sep for kind in kinds)
        given = list(samples)
        kept = [
            one
            for one in given
            if not any(os.path.realpath(file).startswith(own) for file in one.files())
        ]
        if kept and (left := len(given) - len(kept)):
            warn_once(
                f'own files of {self.out_dir}',
                f'{left} of {len(given)} samples are left out, which an inference has '
                f'written to {str(self.out_dir)!r}',
            )
        return kept or given

    def check(self, samples: Iterable[Given]) -> None:
        """Refuse to write over files that are read.

        Raises:
            ValueError: If a file of a sample has the name of an output.
        """
        given = list(samples)
        inputs = {os.path.realpath(file) for one in given for file in one.files()}
        for one in given:
            for path in self.paths(one.name).values():
                if os.path.realpath(path) in inputs:
                    raise ValueError(
                        'the folder to write must not hold files that are read, got '
                        f'{str(self.out_dir)!r}, where {path} would be overwritten: '
                        'choose another folder'
                    )

    def are_written(self, sample: Given) -> bool:
        """Whether all files of a sample are there, but for streams that it lacks.

        Streams are written first, so that others tell of them.
        """
        files = self.paths(sample.name)
        needed = [file for kind, file in files.items() if not kind.startswith(STREAMS)]
        if not needed:
            present = sample.present(self.streams)
            needed = [files[f'{STREAMS}/{stream}'] for stream in present]
        return all(path.is_file() for path in needed)

    def write(self, prediction: Prediction) -> dict[str, Path]:
        """Write the files of a sample; returns them by kind.

        Raises:
            ValueError: If only streams are wanted, of a network that returns none.
        """
        files = self.paths_of(prediction)
        if STREAMS in self.kinds and not prediction.streams:
            if not files:
                raise ValueError(
                    f'`save` must be kinds that the network has, got {STREAMS!r} of '
                    'one that returns the ensemble alone: choose others, or export it '
                    'with --streams'
                )
            warn_once('no streams', 'The network has the ensemble alone, no streams.')
        # The streams first: whether all is there is asked of the other files.
        for kind in sorted(files, key=lambda kind: not kind.startswith(STREAMS)):
            if kind.startswith(STREAMS):
                stream = kind.removeprefix(f'{STREAMS}/')
                sample = prediction.sample.to_dict()
                data = prediction.sample.pred_streams.get(stream)
                sample = {**sample, 'pred_sem_seg': dict(data=data)}
                write_classes(files[kind], sample, len(prediction.meta['classes']))
            else:
                KINDS[kind][1](files[kind], prediction)
        return files
