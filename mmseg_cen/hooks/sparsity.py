"""Sparsity of the scaling factors, the precondition of the exchange."""

from functools import partial
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmseg_cen.models.convert import exchanging_norms
from mmseg_cen.models.exchange import ExchangeScope, check_scope, own_part


def gamma_l1(model: nn.Module, scope: ExchangeScope = 'own') -> Tensor:
    r"""Sum of the penalized scaling factors, :math:`\sum_m\sum_l|\hat\gamma_{m,l}|`.

    The second term of Eq. 4, without lambda. One modality alone exchanges nothing, and
    nothing of it is penalized.

    Args:
        model: A network with exchanging norm layers.
        scope: ``'own'`` (paper): modality m is penalized on its own part of the
            channels; ``'all'``: on all of them.
    """
    total = torch.zeros(())
    for norm in exchanging_norms(model).values():
        gamma = norm.gamma
        if norm.num_modalities == 1:
            continue
        if scope == 'own':
            gamma = gamma[
                own_part(norm.num_modalities, norm.num_features, gamma.device)
            ]
        total = total.to(gamma.device) + gamma.abs().sum()
    return total


@HOOKS.register_module()
class GammaSparsityHook(Hook):
    """Add ``loss_sparsity`` = lambda * :func:`gamma_l1` to the training losses (Eq. 4).

    The term joins the loss dict, not the gradients, so that it is logged, and exact
    under mixed precision, gradient accumulation and DDP. It joins what the model
    returns if it is called with ``mode='loss'``, which a model that has several
    optimizers does for those losses that train its exchanging layers.

    With one modality alone there is no exchange, and no penalty.

    Args:
        sparsity_weight: Weight lambda of the penalty.
        scope: Scope of :func:`gamma_l1`.
        warmup_iters: Iterations over which lambda grows linearly from 0.

    Raises:
        ValueError: The model has no exchanging norm layer, or lambda is negative.
    """

    def __init__(
        self,
        sparsity_weight: float = 5e-3,
        scope: ExchangeScope = 'own',
        warmup_iters: int = 0,
    ) -> None:
        if sparsity_weight < 0:
            raise ValueError(f'sparsity_weight is not negative, got {sparsity_weight}')
        check_scope(scope)
        self.sparsity_weight = sparsity_weight
        self.scope = scope
        self.warmup_iters = warmup_iters
        self._handle: RemovableHandle | None = None

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name in ('backbone', 'generator'):
            part: Any = getattr(model, name, None)
            part = part.module if is_model_wrapper(part) else part
            if getattr(part, 'num_modalities', None) == 1:
                return  # nobody to exchange with
        if not exchanging_norms(model):
            raise ValueError(
                f'GammaSparsityHook penalizes the scaling factors of norm layers that '
                f'exchange channels, and {type(model).__name__} has none; use a CEN '
                f'backbone such as CENResNet or a CENUNet, or remove the hook'
            )
        self._handle = model.register_forward_hook(
            partial(self._add_penalty, runner), with_kwargs=True
        )

    def after_train(self, runner: Runner) -> None:
        if self._handle is not None:
            self._handle.remove()

    def weight(self, iteration: int) -> float:
        """Lambda at an iteration counted from 0."""
        if iteration >= self.warmup_iters:
            return self.sparsity_weight
        return self.sparsity_weight * (iteration + 1) / self.warmup_iters

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
        penalty = self.weight(runner.iter) * gamma_l1(model, self.scope)
        return {**output, 'loss_sparsity': penalty}
