"""What is exchanged: how much, where, and what the ensemble makes of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import TensorboardVisBackend
from mmseg.registry import HOOKS
from torch import nn

from mmseg_cen.models.ensemble_head import EnsembleHead
from mmseg_cen.streams.exchange import own_part
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.state import unwrap


def stage_of(name: str) -> str:
    """Stage of a layer: ``'backbone.layer3.5.bn2'`` -> ``'layer3'``.

    Of a generator, its layer: ``'generator.encoder.conv2.norm'`` -> ``'conv2'``.
    """
    path = [part for part in name.split('.') if part != 'module']  # of a wrapper
    for prefix in (['backbone'], ['generator', 'encoder']):
        depth = len(prefix)
        if path[:depth] == prefix and len(path) > depth + 1:
            return path[depth]
    return path[0]


@torch.no_grad()
def exchange_shares(model: nn.Module, modalities: tuple[str, ...]) -> dict[str, float]:
    r"""Share of the channels with :math:`|\gamma_{m,c}| < \theta`.

    With another :class:`Exchange` than the paper's, of those that it chooses.

    Returns:
        For every modality, ``'rgb/own'``: share of its own part, that is of the
        channels that it may give away under the paper's scope; ``'rgb/all'``: share of
        all its channels, exchanged or not. ``'rgb/own/layer3'``: likewise, of a stage.
    """
    small: dict[str, int] = {}
    count: dict[str, int] = {}
    for layer, norm in exchanging_norms(model).items():
        exchange: Any = norm.exchange
        # One transfer of a layer, rather than one of each count.
        chosen = exchange.chosen(norm.gamma).cpu()
        own = own_part(norm.num_modalities, norm.num_features)
        for m, name in enumerate(modalities):
            for scope, channels in (('own', chosen[m, own[m]]), ('all', chosen[m])):
                for key in (f'{name}/{scope}', f'{name}/{scope}/{stage_of(layer)}'):
                    small[key] = small.get(key, 0) + int(channels.sum())
                    count[key] = count.get(key, 0) + channels.numel()
    return {key: small[key] / count[key] for key in small if count[key]}


@torch.no_grad()
def scaling_factors(
    model: nn.Module, modalities: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """The |gamma| of all exchanging layers.

    Returns:
        For every modality, those in its own part, ``'rgb/own'``, and out of it,
        ``'rgb/other'``.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for norm in exchanging_norms(model).values():
        gamma = norm.gamma.abs().float().cpu()
        own = own_part(norm.num_modalities, norm.num_features)
        for m, name in enumerate(modalities):
            parts.setdefault(f'{name}/own', []).append(gamma[m, own[m]].numpy())
            parts.setdefault(f'{name}/other', []).append(gamma[m, ~own[m]].numpy())
    return {key: np.concatenate(values) for key, values in parts.items()}


def draw_histograms(factors: Mapping[str, np.ndarray], threshold: float) -> np.ndarray:
    """Histogram of the scaling factors of each modality as a picture.

    Args:
        factors: Result of :func:`scaling_factors`.
        threshold: Exchange threshold, drawn as a line.

    Returns:
        RGB picture, uint8 (H, W, 3).
    """
    names = list(dict.fromkeys(key.split('/')[0] for key in factors))
    figure = Figure(figsize=(4 * len(names), 3), layout='constrained')
    canvas = FigureCanvasAgg(figure)
    top = max((v.max() for v in factors.values() if v.size), default=1.0)
    bins = np.linspace(0, top, 51)
    axes = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for ax, name in zip(axes, names, strict=True):
        for part in ('own', 'other'):
            ax.hist(factors[f'{name}/{part}'], bins, alpha=0.6, label=f'{part} part')
        ax.axvline(threshold, color='black', lw=1, ls='--', label='threshold')
        ax.set(title=name, xlabel='|gamma|', yscale='log')
        ax.legend(fontsize='small')
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@HOOKS.register_module()
class ExchangeStatsHook(Hook):
    """Report which share of the channels is exchanged, and the ensemble's alpha.

    To the log and all visualization backends: ``exchange/{modality}/own`` and ``/all``
    (:func:`exchange_shares`) and ``alpha/{modality}``. To the backends only: the shares
    of each stage, and histograms of the scaling factors, as a picture and, on
    TensorBoard, also natively.

    Args:
        interval: Iterations between two reports of the scalars.
        histogram_interval: Iterations between two histograms; 0 draws none.
    """

    def __init__(self, interval: int = 50, histogram_interval: int = 1000) -> None:
        self.interval = interval
        self.histogram_interval = histogram_interval

    def before_train(self, runner: Runner) -> None:
        self._report(runner, runner.iter)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        last = runner.iter + 1 == runner.max_iters
        if last or self.every_n_train_iters(runner, self.interval):
            self._report(runner, runner.iter + 1)
        if last or self.every_n_train_iters(runner, self.histogram_interval):
            self._draw(runner)

    def _report(self, runner: Runner, step: int) -> None:
        model, modalities = model_and_modalities(runner)
        shares = {
            f'exchange/{k}': v for k, v in exchange_shares(model, modalities).items()
        }
        ensemble = _ensemble_of(model)
        if getattr(ensemble, 'concat', None) is None and ensemble is not None:
            shares |= {
                f'alpha/{name}': float(a)
                for name, a in zip(modalities, ensemble.alpha.detach(), strict=True)
            }
        per_stage = {key: v for key, v in shares.items() if key.count('/') > 2}
        for key, value in shares.items():
            if key not in per_stage:
                runner.message_hub.update_scalar(f'train/{key}', value)
        if per_stage:
            runner.visualizer.add_scalars(per_stage, step=step)

    def _draw(self, runner: Runner) -> None:
        model, modalities = model_and_modalities(runner)
        factors = scaling_factors(model, modalities)
        if not factors:
            return
        norms = exchanging_norms(model).values()
        threshold = max(norm.exchange_threshold or 0 for norm in norms)
        picture = draw_histograms(factors, threshold)
        step = runner.iter + 1
        runner.visualizer.add_image('gamma', picture, step)
        for backend in runner.visualizer._vis_backends.values():
            if is_main_process() and isinstance(backend, TensorboardVisBackend):
                for key, values in factors.items():
                    backend.experiment.add_histogram(f'gamma/{key}', values, step)


def model_and_modalities(runner: Runner) -> tuple[nn.Module, tuple[str, ...]]:
    """The unwrapped model and the names of its modalities."""
    model = unwrap(runner.model)
    ensemble = _ensemble_of(model)
    if ensemble is not None:
        return model, ensemble.modalities
    num_modalities = max(
        (norm.num_modalities for norm in exchanging_norms(model).values()), default=0
    )
    return model, tuple(str(m) for m in range(num_modalities))


def _ensemble_of(model: nn.Module) -> Any:
    """What has ``alpha`` and the names of the ``modalities``, or None."""
    head = getattr(model, 'decode_head', None)
    if isinstance(head, EnsembleHead):
        return head
    return model if hasattr(model, 'alpha') and hasattr(model, 'modalities') else None
