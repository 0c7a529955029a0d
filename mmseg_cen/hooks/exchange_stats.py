"""Reports the share of exchanged channels, and the weights of the ensemble."""

import logging
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmengine.visualization import TensorboardVisBackend
from mmseg.registry import HOOKS
from torch import nn

from mmseg_cen.streams.exchanges import ChannelExchange
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.sparsity import exchange_shares, scaling_factors
from mmseg_cen.streams.state import unwrap
from mmseg_cen.streams.token_loss import token_shares
from mmseg_cen.visualization.gamma_plots import draw_histograms

from .every_n_iterations import EveryNIterations

#: From this share of all own parts on, the streams are nearly the same network.
NEARLY_ALL = 0.9


@HOOKS.register_module()
class ExchangeStatsHook(EveryNIterations):
    """Report which share of channels or tokens is exchanged, and the ensemble's alpha.

    The log and all visualization backends get ``exchange/{modality}/own`` and ``/all``
    (:func:`exchange_shares`), with exchanges of tokens ``exchange/{modality}/tokens``,
    the share of the last batch (:func:`token_shares`), and ``alpha/{modality}``. The
    backends also get the shares of each stage, or of each block for tokens, and
    histograms of the scaling factors, as a picture and, on TensorBoard, natively.

    At the end of a training, a warning says so if two streams are nearly the same
    network, since nearly all of their own parts are exchanged.

    Args:
        interval: Iterations between two reports of the scalars.
        histogram_interval: Iterations between two histograms; 0 draws none.
    """

    def __init__(self, interval: int = 50, histogram_interval: int = 1000) -> None:
        super().__init__(interval)
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
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        if self.is_due(runner, self.histogram_interval):
            self._draw(runner)

    def act(self, runner: Runner, outputs: Any) -> None:
        self._report(runner, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        model, modalities = model_and_modalities(runner)
        if not may_become_one(model):
            return
        shares = exchange_shares(model, modalities)
        least = min(shares[f'{name}/own'] for name in modalities)
        if least >= NEARLY_ALL:
            print_log(
                f'{least:.0%} of the own part of each stream is exchanged, or more: '
                f'the streams compute nearly the same{_agreement(runner)}, and the '
                f'ensemble can hardly be better than each of them. If they are to be '
                f'different opinions, set a target_share of GammaSparsityHook, 0.25 '
                f'or less',
                'current',
                logging.WARNING,
            )

    def _report(self, runner: Runner, step: int) -> None:
        model, modalities = model_and_modalities(runner)
        exchanged = exchange_shares(model, modalities)
        exchanged |= token_shares(model, modalities)
        shares = {f'exchange/{key}': value for key, value in exchanged.items()}
        ensemble = _ensemble_of(model)
        if ensemble is not None and getattr(ensemble, 'concat', None) is None:
            shares |= {
                f'alpha/{name}': float(a)
                for name, a in zip(
                    ensemble.modalities, ensemble.alpha.detach(), strict=True
                )
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
                    finite = values[np.isfinite(values)]
                    if finite.size:
                        backend.experiment.add_histogram(f'gamma/{key}', finite, step)


def may_become_one(model: nn.Module) -> bool:
    """Whether streams are equal behind a layer that exchanges all of their own parts.

    Two are, as each channel is that of one of them. Of more, a channel is a mean of the
    others; without own parts, two streams change places; other exchanges do otherwise.
    """
    norms = exchanging_norms(model).values()
    return bool(norms) and all(
        norm.num_modalities == 2
        and type(norm.exchange) is ChannelExchange
        and norm.exchange.scope == 'own'
        for norm in norms
    )


def model_and_modalities(runner: Runner) -> tuple[nn.Module, tuple[str, ...]]:
    """The unwrapped model, and its :func:`names_of_streams`."""
    model = unwrap(runner.model)
    return model, names_of_streams(model)


def names_of_streams(model: nn.Module) -> tuple[str, ...]:
    """The names of the modalities that exchange; of several tasks, of their streams.

    They are those of the ensemble, unless a fusion merges the streams before it.
    """
    ensemble = _ensemble_of(model)
    norms = exchanging_norms(model).values()
    M = max((norm.num_modalities for norm in norms), default=0)
    if ensemble is not None and M in (0, len(ensemble.modalities)):
        return tuple(ensemble.modalities)
    if streams := getattr(model, 'streams', None):  # of several tasks
        return tuple(streams)
    preprocessor = getattr(model, 'data_preprocessor', None)
    names = tuple(getattr(preprocessor, 'modalities', ()))
    return names if len(names) == M else tuple(map(str, range(M)))


def _ensemble_of(model: nn.Module) -> Any:
    """The part that names and weights the modalities: head, model, or None."""
    head = getattr(model, 'decode_head', None)
    if hasattr(head, 'modalities'):
        return head
    return model if hasattr(model, 'alpha') and hasattr(model, 'modalities') else None


def _agreement(runner: Runner) -> str:
    """What the last validation says of the agreement of the streams, in words."""
    scalars = runner.message_hub.log_scalars
    if 'val/streams/agreement' not in scalars:
        return ''
    agreement = scalars['val/streams/agreement'].current()
    return f' (they agreed on {agreement:.1f} % of the pixels of the last validation)'
