"""A network that is asked again and again: other samples, threshold, modalities."""

import math
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmseg_cen.datasets import select
from mmseg_cen.inference import KINDS, MultimodalInferencer, Prediction
from mmseg_cen.inference.loading import SampleLoader
from mmseg_cen.inference.samples import Given
from mmseg_cen.modality import Modality
from mmseg_cen.models import CENSegmentor, ChannelExchange, EnsembleHead
from mmseg_cen.streams.exchange import own_part
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.presence import ensemble_weights
from mmseg_cen.transforms.given import Source


@dataclass(frozen=True)
class View:
    """What is seen of a sample.

    Args:
        prediction: Of the ensemble and the streams.
        absent: Names of the modalities that were switched off.
        alpha: Weight of each stream in the ensemble, by name; empty if it has none.
        shares: Share of its channels that each modality gives away, (M,), by the name
            of the layer.
    """

    prediction: Prediction
    absent: tuple[str, ...]
    alpha: dict[str, float]
    shares: dict[str, NDArray[np.float64]]


class Explorer:
    """Predicts single samples, each with a threshold and modalities of its own.

    Args:
        model: As of :class:`~mmseg_cen.inference.MultimodalInferencer`.
        weights: Path of the checkpoint.
        device: Where the network runs.
        cfg_options: Values of the config by dotted key.

    Raises:
        ValueError: If the model is no multimodal segmentor, or the checkpoint of
            another one.
        FileNotFoundError: If a file does not exist.
    """

    def __init__(
        self,
        model: Any,
        weights: str | None = None,
        device: str | None = None,
        cfg_options: dict[str, Any] | None = None,
    ) -> None:
        self.inferencer = MultimodalInferencer(
            model, weights, device, cfg_options=cfg_options, show_progress=False
        )
        self.names = self.inferencer.names
        self._lock = threading.Lock()  # the threshold is one of the whole network
        network = self.inferencer.network
        norms = exchanging_norms(network.model) if network.model is not None else {}
        self.norms: dict[str, ModalityNorm] = {
            layer: norm
            for layer, norm in norms.items()
            if isinstance(norm.exchange, ChannelExchange) and norm.num_modalities > 1
        }

    @property
    def modalities(self) -> dict[str, Modality]:
        """How the files of each modality are read."""
        return self.inferencer.network.modalities

    @property
    def threshold(self) -> float | None:
        """Threshold of the exchange; None if no layer has one."""
        found = [norm.exchange_threshold or 0.0 for norm in self.norms.values()]
        return max(found, default=None)

    @property
    def thresholds(self) -> tuple[float, float]:
        """The step and the largest of thresholds to try.

        With the largest, all channels are exchanged that may be; it is ten times that
        of the training at least.
        """
        usual = self.threshold or 0.0
        step = usual / 20 or 0.001
        gammas = [
            norm.gamma.detach().abs()[self._may_give(norm)].max().item()
            for norm in self.norms.values()
        ]
        count = max(10 * usual, *gammas, 0) / step
        return step, step * (math.floor(count) + 1)

    @property
    def can_miss(self) -> bool:
        """Whether the network predicts without a modality."""
        model = self.inferencer.model
        return isinstance(model, CENSegmentor) and model.modalities == self.names

    def predict(
        self,
        given: Given,
        present: Collection[str] | None = None,
        threshold: float | None = None,
        stored: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> View:
        """Predict a sample.

        Args:
            given: Its files or arrays.
            present: Names of the modalities that are used; ``None``: all of them.
            threshold: Threshold of the exchange; ``None``: that of the training.
            stored: Options of :class:`~mmseg_cen.modality.Modality` by name, where the
                files are stored otherwise than those of the training.

        Raises:
            ValueError: If a modality that is used has no file, or a file is not as
                described.
        """
        used = [name for name in self.names if present is None or name in present]
        if not used:
            raise ValueError(
                'at least one modality must be on, got none: switch one on'
            )
        if missing := [name for name in used if given.items.get(name) is None]:
            switch = f', or switch {missing[0]} off' * self.can_miss
            raise ValueError(
                f'each modality must have a file, got none of {", ".join(missing)}: '
                f'add it{switch}'
            )
        sources = {name: given.items[name] for name in used}
        packed = self._loader(stored or {})(Given(given.name, sources))
        with self._lock:
            usual = {layer: n.exchange_threshold for layer, n in self.norms.items()}
            try:
                for norm in self.norms.values() if threshold is not None else ():
                    norm.exchange_threshold = threshold
                (prediction,) = self.inferencer.forward([packed])
                shares = self._shares(used)
            finally:
                for layer, norm in self.norms.items():
                    norm.exchange_threshold = usual[layer]
        absent = tuple(name for name in self.names if name not in used)
        return View(prediction, absent, self._alpha(used), shares)

    def _loader(self, stored: Mapping[str, Mapping[str, Any]]) -> SampleLoader:
        loader, *rest = self.inferencer.network.pipeline
        modalities = select(self.modalities, self.names, stored)
        optional = self.names if self.can_miss else loader['optional']
        loader = {**loader, 'modalities': modalities, 'optional': optional}
        return SampleLoader([loader, *rest], self.names)

    @torch.no_grad()
    def _alpha(self, used: Sequence[str]) -> dict[str, float]:
        head = getattr(self.inferencer.model, 'decode_head', None)
        if not isinstance(head, EnsembleHead) or head.concat is not None:
            return {}
        if head.modalities != self.names:  # one merged stream
            return {}
        present = torch.tensor([[name in used for name in self.names]])
        (alpha,) = ensemble_weights(head.alpha_logits.cpu(), present)
        return dict(zip(self.names, alpha.tolist(), strict=True))

    @torch.no_grad()
    def _shares(self, used: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """An absent modality gives nothing away, nor one that is alone."""
        takes_part = np.array([name in used and len(used) > 1 for name in self.names])
        found = {}
        for layer, norm in self.norms.items():
            may = self._may_give(norm)
            chosen = norm.exchange.chosen(norm.gamma)
            share = (chosen & may).sum(1) / may.sum(1).clamp(min=1)
            found[layer] = np.where(takes_part, share.double().cpu().numpy(), 0)
        return found

    @staticmethod
    def _may_give(norm: ModalityNorm) -> Tensor:
        """Channels that a modality may give away, bool (M, C)."""
        may = torch.ones_like(norm.gamma, dtype=torch.bool)
        may[[*norm.exchange.alone]] = False
        if norm.exchange.scope == 'own':
            may &= own_part(*norm.gamma.shape, norm.gamma.device)
        return may


def write_files(prediction: Prediction, folder: Path) -> list[Path]:
    """Write all kinds of files of a prediction, ``<folder>/<kind>_<name>.png``."""
    name = Path(prediction.name).name
    written = []
    for kind, (suffix, write) in KINDS.items():
        path = folder / f'{kind}_{name}{suffix}'
        write(path, prediction)
        written.append(path)
    return written


def given_of(files: Mapping[str, Source | None]) -> Given:
    """A sample of uploaded files, by modality; it is named by the first of them."""
    items = {name: file for name, file in files.items() if file is not None}
    first = next(iter(items.values()), 'sample')
    return Given(Path(str(first)).stem, items)
