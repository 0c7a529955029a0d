"""Sparsity of the scaling factors, the precondition of the exchange."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from mmseg_cen.streams.exchange import ExchangeScope, check_scope, own_part
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.state import unwrap

from .share_control import ShareControl

SparsityMode = Literal['subgradient', 'proximal']

#: Key of the message hub, whose content checkpoints keep, for a controlled lambda.
_CONTROL = 'sparsity_control'
#: How often lambda is adjusted in a training that has a target.
_ADJUSTMENTS = 1000
#: By how much the exchanged share may miss its target without a warning.
_TOLERANCE = 0.05


def penalized(
    model: nn.Module, scope: ExchangeScope = 'own'
) -> Iterator[tuple[ModalityNorm, Tensor]]:
    r"""The layers with penalized scaling factors :math:`\hat\gamma`, and which of them.

    One modality alone exchanges nothing, and nothing of it is penalized.

    Args:
        model: A network with exchanging norm layers.
        scope: ``'own'`` (paper): modality m is penalized on its own part of the
            channels; ``'all'``: on all of them.

    Yields:
        A layer and a boolean mask (M, C) over its scaling factors.
    """
    for norm in exchanging_norms(model).values():
        if norm.num_modalities > 1:
            M, C = norm.gamma.shape
            mask = own_part(M, C, norm.gamma.device)
            yield norm, mask if scope == 'own' else torch.ones_like(mask)


def gamma_l1(
    model: nn.Module, scope: ExchangeScope = 'own', cutoff: float = math.inf
) -> Tensor:
    r"""Sum of the penalized scaling factors, :math:`\sum_m\sum_l|\hat\gamma_{m,l}|`.

    The second term of Eq. 4, without lambda.

    Args:
        model: A network with exchanging norm layers.
        scope: See :func:`penalized`.
        cutoff: Larger ones do not count.
    """
    total = torch.zeros(())
    for norm, mask in penalized(model, scope):
        size = norm.gamma[mask].abs()
        total = total.to(mask.device) + size[size <= cutoff].sum()
    return total


def soft_threshold(values: Tensor, amount: float) -> Tensor:
    r"""Proximal operator of ``amount`` times the L1 norm.

    Values move towards zero by ``amount``, and those that reach it stay, exactly.
    """
    return values.sign() * (values.abs() - amount).clamp(min=0)


def step_size(group: dict[str, Any]) -> float:
    r"""By how much a constant gradient of 1 moves the parameters of a group in a step.

    In the long run, momentum makes it :math:`1/(1-\mu)` times the learning rate. Of
    optimizers that scale gradients, such as Adam, it is the learning rate, as it is for
    a decoupled weight decay.
    """
    momentum = group.get('momentum', 0)
    return float(group['lr'] * (1 - group.get('dampening', 0)) / (1 - momentum))


@HOOKS.register_module()
class GammaSparsityHook(Hook):
    r"""Penalize the scaling factors by lambda * :func:`gamma_l1` (Eq. 4).

    In the mode ``'subgradient'`` (paper), the term joins the loss dict, not the
    gradients, so that it is logged as ``loss_sparsity``, and exact under mixed
    precision, gradient accumulation and DDP. It joins what the model returns if it is
    called with ``mode='loss'``, which a model that has several optimizers does for
    those losses that train its exchanging layers. Scaling factors then swing around
    zero by the size of a step.

    In the mode ``'proximal'``, they are soft-thresholded by :func:`step_size` *
    lambda after each step that the optimizer takes (not after those that accumulate
    gradients, or that a loss scaler skips), and reach exact zeros. With SGD, both modes
    have the same minima, those of Eq. 4; with optimizers that scale gradients, such as
    Adam, this one is not scaled with them, and the same lambda leaves other channels.
    What is logged as ``sparsity`` is no loss here.

    With one modality alone there is no exchange, and no penalty.

    Args:
        sparsity_weight: Weight lambda of the penalty; with ``target_share``, where its
            control begins.
        scope: Scope of :func:`penalized`.
        warmup_iters: Iterations over which lambda grows linearly from 0.
        mode: ``'subgradient'`` or ``'proximal'``.
        schedule: Pairs of a share of the training, in [0, 1] and increasing, and a
            factor on lambda, between which it is interpolated: ``[(0, 1), (0.5, 1),
            (1, 0)]`` lets the penalty fade in the second half.
        target_share: Share of the own parts, in (0, 1), that is to be exchanged at the
            end, in all layers together: lambda is what :class:`ShareControl` makes of
            it during the training.

    Raises:
        ValueError: The model has no exchanging norm layer, or an argument no meaning.
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
        if not (_is_number(sparsity_weight) and sparsity_weight >= 0):
            raise ValueError(
                f'sparsity_weight is a number, not negative, got {sparsity_weight!r}'
            )
        if not (isinstance(warmup_iters, int) and warmup_iters >= 0):
            raise ValueError(
                f'warmup_iters is a number of iterations, not negative, got '
                f'{warmup_iters!r}'
            )
        if mode not in get_args(SparsityMode):
            raise ValueError(
                f"mode is 'subgradient' (the penalty is a loss) or 'proximal' (exact "
                f'zeros), got {mode!r}'
            )
        if target_share is not None and not (
            _is_number(target_share) and 0 < target_share < 1
        ):
            raise ValueError(
                f'target_share is a share of the own parts, in (0, 1), got '
                f'{target_share!r}; 0.5 exchanges half of what may be exchanged'
            )
        if target_share is not None and not sparsity_weight:
            raise ValueError(
                'sparsity_weight is where the control of lambda begins, and it is '
                'multiplied: with target_share it is positive, got 0'
            )
        check_scope(scope)
        _check_schedule(schedule)
        self.sparsity_weight = sparsity_weight
        self.scope = scope
        self.warmup_iters = warmup_iters
        self.mode = mode
        self.schedule = schedule
        self.target_share = target_share
        self._handles: list[Any] = []
        self._control: ShareControl | None = None

    def before_train(self, runner: Runner) -> None:
        model = unwrap(runner.model)
        for name in ('backbone', 'generator'):
            part = unwrap(getattr(model, name, None))
            if getattr(part, 'num_modalities', None) == 1:
                return  # nobody to exchange with
        norms = exchanging_norms(model).values()
        if not norms:
            raise ValueError(
                f'GammaSparsityHook penalizes the scaling factors of norm layers that '
                f'exchange channels, and {type(model).__name__} has none; use a CEN '
                f'backbone such as CENResNet or a CENUNet, or remove the hook'
            )
        if self.target_share is not None:
            if not any(n.exchange_threshold for n, _ in self._trained(model)):
                raise ValueError(
                    'target_share counts trained scaling factors below the threshold '
                    'of the exchange, and there are none; set exchange_threshold, '
                    'freeze fewer layers, or leave target_share out'
                )
            self._start_control(runner)
        add_penalty = partial(self._add_penalty, runner)
        self._handles = [model.register_forward_hook(add_penalty, with_kwargs=True)]
        if self.mode == 'proximal':
            shrink = partial(self._shrink, runner, model)
            self._handles += [
                optimizer.register_step_post_hook(shrink)
                for optimizer in _optimizers(runner.optim_wrapper)
            ]

    def after_train(self, runner: Runner) -> None:
        while self._handles:
            self._handles.pop().remove()
        if self._control is not None:
            magnitudes, threshold = _magnitudes(self._trained(runner.model))
            share = float((magnitudes < threshold).float().mean())
            if abs(share - self._control.target) > _TOLERANCE:
                print_log(
                    f'{share:.1%} of what may be exchanged is, not the target_share of '
                    f'{self._control.target:.1%}: the loss holds these channels more '
                    'firmly than lambda may pull, or lets them go; train longer, '
                    "choose mode='proximal', or another target",
                    'current',
                    logging.WARNING,
                )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        if self._handles and (self._control or self.schedule):
            if self._control and runner.iter % self._interval(runner) == 0:
                self._adjust(runner, self._control)
            weight = self.current_weight(runner)
            runner.message_hub.update_scalar('train/sparsity_weight', weight)

    def weight(self, iteration: int, progress: float = 0.0) -> float:
        """Lambda at an iteration counted from 0; of a controlled one, that of now.

        Args:
            iteration: The iteration.
            progress: Share of the training that is over, in [0, 1].
        """
        weight = self.sparsity_weight
        if self._control is not None:
            weight = self._control.weight
        if iteration < self.warmup_iters:
            weight *= (iteration + 1) / self.warmup_iters
        if self.schedule is not None:
            shares, factors = zip(*self.schedule, strict=True)
            weight *= float(np.interp(progress, shares, factors))
        return weight

    def current_weight(self, runner: Runner) -> float:
        """Lambda now."""
        progress = runner.iter / runner.max_iters if self.schedule is not None else 0
        return self.weight(runner.iter, progress)

    @property
    def _cutoff(self) -> float:
        return math.inf if self._control is None else self._control.cutoff

    def _start_control(self, runner: Runner) -> None:
        state = runner.message_hub.runtime_info.get(_CONTROL) if runner.iter else None
        state = {'weight': self.sparsity_weight, **(state or {})}
        self._control = ShareControl(**{**state, 'target': self.target_share})

    def _trained(self, model: nn.Module) -> list[tuple[ModalityNorm, Tensor]]:
        """Penalized layers, but for frozen ones."""
        layers = penalized(model, self.scope)
        return [(n, mask) for n, mask in layers if n.norm.weight.requires_grad]

    def _interval(self, runner: Runner) -> int:
        return max(1, runner.max_iters // _ADJUSTMENTS)

    def _adjust(self, runner: Runner, control: ShareControl) -> None:
        layers = self._trained(runner.model)
        first = layers[0][0].norm.weight
        sizes = [
            step_size({**group, 'lr': group.get('initial_lr', group['lr'])})
            for optimizer in _optimizers(runner.optim_wrapper)
            for group in optimizer.param_groups
            if any(p is first for p in group['params'])
        ]
        control.update(
            *_magnitudes(layers),
            runner.iter / runner.max_iters,
            self._interval(runner) / runner.max_iters,
            1 / sizes[0],
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
        penalty = self.current_weight(runner) * gamma_l1(
            model, self.scope, self._cutoff
        )
        if self.mode == 'proximal':
            return {**output, 'sparsity': penalty.detach()}
        return {**output, 'loss_sparsity': penalty}

    @torch.no_grad()
    def _shrink(
        self, runner: Runner, model: nn.Module, optimizer: Any, *_: Any
    ) -> None:
        sizes = {
            parameter: step_size(group)
            for group in optimizer.param_groups
            for parameter in group['params']
        }
        weight = self.current_weight(runner)
        for norm, mask in penalized(model, self.scope):
            gamma = norm.norm.weight
            if gamma in sizes and gamma.requires_grad:
                shrunk = soft_threshold(gamma, weight * sizes[gamma])
                moved = mask.flatten() & (gamma.abs() <= self._cutoff)
                gamma.copy_(torch.where(moved, shrunk, gamma))


def _magnitudes(layers: list[tuple[ModalityNorm, Tensor]]) -> tuple[Tensor, float]:
    """All scaling factors of masked layers, without signs, and the threshold."""
    magnitudes = [norm.gamma[mask].detach().abs() for norm, mask in layers]
    threshold = max(norm.exchange_threshold or 0.0 for norm, _ in layers)
    return torch.cat(magnitudes), threshold


def _optimizers(optim_wrapper: Any) -> list[torch.optim.Optimizer]:
    """The optimizer of a wrapper; of a dict of wrappers, those of all."""
    wrappers = optim_wrapper.values() if hasattr(optim_wrapper, 'values') else ()
    return [w.optimizer for w in wrappers] or [optim_wrapper.optimizer]


def _check_schedule(schedule: Any) -> None:
    if schedule is None:
        return
    try:
        shares, factors = zip(*schedule, strict=True)
        fine = all(map(_is_number, shares + factors))
    except (TypeError, ValueError):  # no pairs
        fine = False
    if (
        not fine
        or list(shares) != sorted(set(shares))
        or not 0 <= shares[0] <= shares[-1] <= 1
        or min(factors) < 0
    ):
        raise ValueError(
            f'schedule is a list of pairs of a share of the training, in [0, 1] and '
            f'increasing, and a factor that is not negative, such as [(0, 1), (1, 0)], '
            f'got {schedule}'
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
