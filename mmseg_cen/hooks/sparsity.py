"""The sparsity penalty on scaling factors, without which nothing is exchanged."""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Literal, get_args

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from mmseg_cen.streams.exchange import ExchangeScope, check_scope
from mmseg_cen.streams.exchanges import by_threshold
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.sparsity import (
    PAPERS_THRESHOLD,
    gamma_l1,
    magnitudes,
    penalized,
    soft_threshold,
    step_size,
)
from mmseg_cen.streams.state import unwrap

from .share_control import ShareControl, check_target
from .weight_schedule import WeightSchedule, is_finite_number

SparsityMode = Literal['subgradient', 'proximal']

#: Key under which the message hub, and so a checkpoint, keeps a controlled lambda.
_CONTROL = 'sparsity_control'
#: How often lambda is adjusted in a training that has a target.
_ADJUSTMENTS = 1000
#: By how much the exchanged share may miss its target without a warning.
_TOLERANCE = 0.05


@HOOKS.register_module()
class GammaSparsityHook(Hook):
    r"""Penalize the scaling factors by lambda * :func:`gamma_l1` (Eq. 4).

    In the mode ``'subgradient'`` (paper), the penalty joins the loss dict, not the
    gradients: it is logged as ``loss_sparsity``, and exact under mixed precision,
    gradient accumulation and DDP. It joins the losses that the model returns when it is
    called with ``mode='loss'``; a model with several optimizers does so for the losses
    that train its exchanging layers. Scaling factors then swing around zero by the size
    of a step.

    In the mode ``'proximal'``, scaling factors are soft-thresholded by
    :func:`step_size` * lambda after each step of the optimizer (not after a batch that
    only accumulates gradients, nor after a step that a loss scaler skips), and reach
    exact zeros. The penalty is logged as ``sparsity``, which is not a loss. With SGD,
    both modes have the same minima, the minima of Eq. 4; optimizers that scale
    gradients, such as Adam, do not scale the threshold, and the same lambda leaves
    other channels.

    With one modality alone there is no exchange, and no penalty.

    Args:
        sparsity_weight: Lambda; with ``target_share``, its first value.
        scope: Scope of :func:`penalized`.
        warmup_iters: Iterations over which lambda grows linearly from 0.
        mode: ``'subgradient'`` or ``'proximal'``.
        schedule: Pairs of a share of the training, in [0, 1] and increasing, and a
            factor on lambda, between which it is interpolated: ``[(0, 1), (0.5, 1),
            (1, 0)]`` fades the penalty out in the second half.
        target_share: Share of the own parts, in (0, 1), that is to be exchanged at the
            end, in all trained layers together (with ``scope='all'``, of all their
            channels); :class:`ShareControl` then adjusts lambda during the training.
            Without exchange (``exchange_threshold=0``, the penalty alone), as many
            factors end below the paper's threshold.

    Raises:
        ValueError: If an argument is out of its range, or, when a training begins, if
            the model has no exchanging norm layer, or nothing moves their factors to
            a ``target_share``.
    """

    def __init__(
        self,
        sparsity_weight: float = 5e-3,
        scope: ExchangeScope = 'own',
        warmup_iters: int = 0,
        mode: SparsityMode = 'subgradient',
        schedule: Sequence[tuple[float, float]] | None = None,
        target_share: float | None = None,
    ) -> None:
        if not (is_finite_number(sparsity_weight) and sparsity_weight >= 0):
            raise ValueError(
                f'`sparsity_weight` must be a number that is not negative, got '
                f'{sparsity_weight!r}: set 0 for no penalty'
            )
        if mode not in get_args(SparsityMode):
            raise ValueError(
                f"`mode` must be 'subgradient' (the penalty is a loss) or 'proximal' "
                f'(exact zeros), got {mode!r}: choose one of the two'
            )
        if target_share is not None:
            check_target(target_share, sparsity_weight)
        check_scope(scope)
        self._schedule = WeightSchedule(warmup_iters, schedule)
        self.sparsity_weight = sparsity_weight
        self.scope = scope
        self.mode = mode
        self.target_share = target_share
        self._handles: list[Any] = []
        self._control: ShareControl | None = None

    def before_train(self, runner: Runner) -> None:
        model = unwrap(runner.model)
        for name in ('backbone', 'generator'):
            part = unwrap(getattr(model, name, None))
            if getattr(part, 'num_modalities', None) == 1:
                return  # nobody to exchange with
        if not exchanging_norms(model):
            raise ValueError(
                f'the model of a GammaSparsityHook must have norm layers that exchange '
                f'channels, got {type(model).__name__}, which has none: take a '
                f'CENBackbone (of a transformer, with layer_norms=True) or a CENUNet, '
                f'or remove the hook'
            )
        if self.target_share is not None:
            trained = [norm for norm, _ in self._trained(model)]
            if not any(by_threshold(norm.exchange) for norm in trained):
                raise ValueError(
                    f'`target_share` must have trained scaling factors to bring below '
                    f'a threshold, got {self.target_share} and none: freeze fewer '
                    f'layers, take a ChannelExchange, or leave it out'
                )
            if not any(norm.exchange_threshold for norm in trained):
                print_log(
                    f'nothing is exchanged, as exchange_threshold is 0: target_share '
                    f'is the share of the own parts below {PAPERS_THRESHOLD}',
                    'current',
                )
            self._start_control(runner, self.target_share)
        add_penalty = partial(self._add_penalty, runner)
        self._handles = [model.register_forward_hook(add_penalty, with_kwargs=True)]
        if self.mode == 'proximal':
            shrink = partial(self._shrink, runner, model)
            for optimizer in _optimizers(runner.optim_wrapper):
                self._handles.append(optimizer.register_step_post_hook(shrink))

    def after_train(self, runner: Runner) -> None:
        while self._handles:
            self._handles.pop().remove()
        if self._control is not None:
            sizes, threshold = magnitudes(self._moved(runner)[0])
            share = float((sizes < threshold).float().mean())
            if abs(share - self._control.target) > _TOLERANCE:
                print_log(
                    f'the exchanged share must end near the target_share of '
                    f'{self._control.target:.1%}, got {share:.1%}: the loss holds more '
                    f'firmly than lambda may pull, or lets them go; train longer, '
                    f"choose mode='proximal', or another target",
                    'current',
                    logging.WARNING,
                )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        if self._handles and (self._control or self._schedule.schedule):
            every = max(1, runner.max_iters // _ADJUSTMENTS)
            if self._control and runner.iter % every == 0:
                self._adjust(runner, self._control, every)
            weight = self.current_weight(runner)
            runner.message_hub.update_scalar('train/sparsity_weight', weight)

    def weight(self, iteration: int, progress: float = 0.0) -> float:
        """Lambda at an iteration; with ``target_share``, as it is controlled now.

        Args:
            iteration: The iteration, counted from 0.
            progress: Share of the training that is over, in [0, 1].
        """
        peak = self.sparsity_weight if self._control is None else self._control.weight
        return self._schedule.weight(peak, iteration, progress)

    def current_weight(self, runner: Runner) -> float:
        """Lambda now."""
        scheduled = self._schedule.schedule is not None
        progress = runner.iter / runner.max_iters if scheduled else 0
        return self.weight(runner.iter, progress)

    @property
    def _cutoff(self) -> float:
        return math.inf if self._control is None else self._control.cutoff

    def _start_control(self, runner: Runner, target: float) -> None:
        state = runner.message_hub.runtime_info.get(_CONTROL) if runner.iter else None
        state = {'weight': self.sparsity_weight, **(state or {})}
        if state.get('target', target) < target:
            state['cutoff'] = math.inf  # a larger target needs larger factors
        self._control = ShareControl(**{**state, 'target': target})

    def _trained(self, model: nn.Module) -> list[tuple[ModalityNorm, Tensor]]:
        """The penalized layers that are not frozen."""
        layers = penalized(model, self.scope)
        return [(n, mask) for n, mask in layers if n.norm.weight.requires_grad]

    def _moved(self, runner: Runner) -> tuple[list[tuple[ModalityNorm, Tensor]], float]:
        """The trained layers that an optimizer moves, and the first one's step size."""
        sizes = _step_sizes(
            {**group, 'lr': group.get('initial_lr', group['lr'])}
            for optimizer in _optimizers(runner.optim_wrapper)
            for group in optimizer.param_groups
        )
        trained = self._trained(runner.model)
        layers = [(n, mask) for n, mask in trained if sizes.get(n.norm.weight)]
        if not layers:
            raise ValueError(
                '`target_share` must have scaling factors that an optimizer moves, got '
                'a learning rate of 0 or none for them: correct lr_mult of their norms '
                'in paramwise_cfg, or leave out target_share'
            )
        return layers, sizes[layers[0][0].norm.weight]

    def _adjust(self, runner: Runner, control: ShareControl, every: int) -> None:
        layers, size = self._moved(runner)
        control.update(
            *magnitudes(layers),
            runner.iter / runner.max_iters,
            every / runner.max_iters,
            1 / size,
            runner.max_iters,
            self.mode == 'proximal',
        )
        runner.message_hub.update_info(_CONTROL, asdict(control))

    def _add_penalty(
        self,
        runner: Runner,
        model: nn.Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        output: Any,
    ) -> Any:
        if kwargs.get('mode') != 'loss':
            return output
        size = gamma_l1(model, self.scope, self._cutoff)
        penalty = self.current_weight(runner) * size
        if self.mode == 'proximal':
            return {**output, 'sparsity': penalty.detach()}
        return {**output, 'loss_sparsity': penalty}

    @torch.no_grad()
    def _shrink(
        self, runner: Runner, model: nn.Module, optimizer: Any, *_: Any
    ) -> None:
        sizes = _step_sizes(optimizer.param_groups)
        weight = self.current_weight(runner)
        for norm, mask in penalized(model, self.scope):
            gamma = norm.norm.weight
            if gamma in sizes and gamma.requires_grad:
                shrunk = soft_threshold(gamma, weight * sizes[gamma])
                moved = mask.reshape(gamma.shape) & (gamma.abs() <= self._cutoff)
                gamma.copy_(torch.where(moved, shrunk, gamma))


def _step_sizes(groups: Iterable[dict[str, Any]]) -> dict[Tensor, float]:
    """Step size of each parameter of an optimizer's groups."""
    return {
        parameter: step_size(group) for group in groups for parameter in group['params']
    }


def _optimizers(optim_wrapper: Any) -> list[torch.optim.Optimizer]:
    """The optimizer of a wrapper, or the optimizers of a dict of wrappers."""
    wrappers = optim_wrapper.values() if hasattr(optim_wrapper, 'values') else ()
    return [w.optimizer for w in wrappers] or [optim_wrapper.optimizer]
