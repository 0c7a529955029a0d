"""Records the scaling factors during a training."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from numpy.typing import NDArray

from mmseg_cen.disk import damage_in_words, replacing
from mmseg_cen.streams.exchange import own_part
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.sparsity import without_wrappers

from .every_n_iterations import EveryNIterations
from .exchange_stats import model_and_modalities

#: Name of the record in the work directory.
RECORD = 'gamma.npz'
#: Names of the entries of a record that are not layers; layers have no leading '_'.
_STEPS, _MODALITIES, _THRESHOLD = '_steps', '_modalities', '_threshold'
_ALONE = '_alone'  # missing in records of older versions


@dataclass(frozen=True)
class GammaRecord:
    """The scaling factors of a training.

    Args:
        steps: Iterations, (T,).
        layers: Scaling factors, (T, M, C), by the name of the layer.
        modalities: Names of the streams.
        threshold: The exchange threshold.
        alone: Numbers of the streams that have no partner.
    """

    steps: NDArray[np.integer]
    layers: dict[str, NDArray[np.float16]]
    modalities: tuple[str, ...]
    threshold: float
    alone: tuple[int, ...] = ()

    @property
    def partnered(self) -> list[int]:
        """Numbers of the streams that have a partner."""
        return [m for m in range(len(self.modalities)) if m not in self.alone]

    def exchanged(self, layer: str) -> NDArray[np.float64]:
        """Exchanged share of the own parts of a layer, (T, M); 0 without a partner."""
        own, small = self._small(layer)
        shares: NDArray[np.float64] = small.sum(2) / own.sum(1).clip(min=1)
        return shares

    @property
    def share(self) -> float:
        """Exchanged share of the own parts at the end, of streams with a partner."""
        counts = [self._small(layer) for layer in self.layers]
        own = sum(own[self.partnered].sum() for own, _ in counts)
        return float(sum(small[-1].sum() for _, small in counts) / max(own, 1))

    def _small(self, layer: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """The own parts, (M, C), and what is exchanged of them, (T, M, C)."""
        gamma = self.layers[layer]
        own = own_part(*gamma.shape[1:]).numpy()
        small = (np.abs(gamma.astype(np.float32)) < self.threshold) & own
        small[:, [*self.alone]] = False
        return own, small


@HOOKS.register_module()
class GammaRecorderHook(EveryNIterations):
    """Keep the scaling factors of all exchanging layers, for the figures of the paper.

    The factors are written to ``gamma.npz`` in the work directory with each checkpoint
    and at the end, as float16: about 30 kB for each recorded iteration of a ResNet-101.
    A resumed training continues the record. ``tools/analysis/gamma_plots.py`` draws it.

    Args:
        interval: Iterations between two recorded ones.
    """

    def __init__(self, interval: int = 100) -> None:
        super().__init__(interval)
        self._steps: list[int] = []
        self._layers: dict[str, list[NDArray[np.float16]]] = {}

    def before_train(self, runner: Runner) -> None:
        self._steps, self._layers = [], {}
        path = Path(runner.work_dir, RECORD)
        if runner.iter and path.is_file():
            try:
                record = read_record(path)
            except ValueError as error:
                print_log(f'{error}; a new record begins', 'current')
            else:
                kept = record.steps < runner.iter
                self._steps = record.steps[kept].tolist()
                self._layers = {
                    without_wrappers(name): [*values[kept]]
                    for name, values in record.layers.items()
                }
        self._record(runner, runner.iter)

    def act(self, runner: Runner, outputs: Any) -> None:
        self._record(runner, runner.iter + 1)

    def before_save_checkpoint(self, runner: Runner, checkpoint: Any) -> None:
        self._write(runner)

    def after_train(self, runner: Runner) -> None:
        self._write(runner)

    @torch.no_grad()
    def _record(self, runner: Runner, step: int) -> None:
        if self._steps and self._steps[-1] == step:
            return
        self._steps.append(step)
        for name, norm in exchanging_norms(model_and_modalities(runner)[0]).items():
            gamma = norm.gamma.float().cpu().numpy().astype(np.float16)
            self._layers.setdefault(without_wrappers(name), []).append(gamma)

    def _write(self, runner: Runner) -> None:
        if not is_main_process() or not self._layers:
            return
        model, modalities = model_and_modalities(runner)
        norms = exchanging_norms(model).values()
        exchanges: list[Any] = [norm.exchange for norm in norms]
        alone = {m for exchange in exchanges for m in exchange.alone}
        record: dict[str, Any] = {
            _STEPS: np.array(self._steps),
            _MODALITIES: np.array(modalities),
            _THRESHOLD: np.array(max(n.exchange_threshold or 0 for n in norms)),
            _ALONE: np.array(sorted(alone), int),
            **{name: np.stack(values) for name, values in self._layers.items()},
        }
        with (
            replacing(Path(runner.work_dir, RECORD)) as unfinished,
            unfinished.open('wb') as file,
        ):
            np.savez_compressed(file, **record)


def read_record(path: Path) -> GammaRecord:
    """Read the record of a :class:`GammaRecorderHook`.

    Raises:
        FileNotFoundError: If there is no record.
        ValueError: If the record is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f'the record must be the file {path}, got none: train with '
            f"dict(type='GammaRecorderHook') in custom_hooks, which writes it"
        )
    try:
        with path.open('rb') as file, np.load(file) as record:
            layers = {name: record[name] for name in record if name[0] != '_'}
            names = tuple(str(name) for name in record[_MODALITIES])
            alone = record[_ALONE].tolist() if _ALONE in record else ()
            threshold = float(record[_THRESHOLD])
            return GammaRecord(record[_STEPS], layers, names, threshold, tuple(alone))
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f'the record must be a complete file of a GammaRecorderHook, got {path}, '
            f'{damage_in_words(error)}: train again, or take a copy of it'
        ) from error
