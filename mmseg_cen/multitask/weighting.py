"""How the losses of several tasks become one: by fixed weights, or by learned ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from mmseg.utils import add_prefix
from torch import Tensor, nn

#: Factors under the names of some tasks, or learned uncertainties.
Weighting = Mapping[str, float] | Literal['uncertainty']


class FixedWeights(nn.Module):
    r"""The sum :math:`\sum_k w_k L_k` of the losses of all tasks.

    Args:
        tasks: Names of the tasks.
        weights: The factors :math:`w_k` of some tasks; others have 1.

    Raises:
        ValueError: If a name is no task, or a factor is negative.
    """

    def __init__(self, tasks: Sequence[str], weights: Mapping[str, float]) -> None:
        super().__init__()
        if any(not weight >= 0 for weight in weights.values()):
            raise ValueError(
                f'`weighting` must have factors that are not negative, got '
                f'{dict(weights)}: correct them'
            )
        self.weights = {task: float(weights.get(task, 1)) for task in tasks}

    def forward(self, losses: Mapping[str, dict[str, Tensor]]) -> dict[str, Tensor]:
        """Losses of each task -> all losses, weighted, by ``task.loss``."""
        return _weighted(losses, self.weights)


class UncertaintyWeights(nn.Module):
    r"""The sum of the losses, weighted by the learned uncertainty of each task.

    With :math:`s_k = \log \sigma_k^2`, the total is

    .. math:: \sum_k c_k e^{-s_k} L_k + \tfrac12 s_k,

    :math:`c_k = 1` for tasks that classify and :math:`\tfrac12` for regressions: Eq. 7
    and 10 of "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry
    and Semantics" (Kendall, Gal and Cipolla, CVPR 2018). Those are derived for squared
    distances; here, as is common, :math:`L_k` is the loss of the head, whatever it is.

    The losses also have ``weight_{task}``, the factor of each task, for the log.

    Args:
        tasks: Names of the tasks.
        classifies: Whether each task classifies.
    """

    def __init__(self, tasks: Sequence[str], classifies: Sequence[bool]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.factors = [1.0 if each else 0.5 for each in classifies]
        self.log_variances = nn.Parameter(torch.zeros(len(self.tasks)))

    def forward(self, losses: Mapping[str, dict[str, Tensor]]) -> dict[str, Tensor]:
        """Losses of each task -> all losses, weighted, by ``task.loss``."""
        precisions = self.log_variances.neg().exp().unbind()
        weights = {
            task: c * precision
            for task, c, precision in zip(
                self.tasks, self.factors, precisions, strict=True
            )
        }
        return {
            **_weighted(losses, weights),
            'loss_uncertainty': self.log_variances.sum() / 2,
            **{f'weight_{task}': w.detach() for task, w in weights.items()},
        }


def build_weighting(
    weighting: Weighting | None, tasks: Sequence[str], classifies: Sequence[bool]
) -> FixedWeights | UncertaintyWeights:
    """Build the weighting of the losses.

    Args:
        weighting: Factors under the names of some tasks; ``'uncertainty'``; ``None``:
            all are 1.
        tasks: Names of the tasks.
        classifies: Whether each task classifies.

    Raises:
        ValueError: If it is none of these.
    """
    if weighting == 'uncertainty':
        return UncertaintyWeights(tasks, classifies)
    if weighting is None or isinstance(weighting, Mapping):
        return FixedWeights(tasks, weighting or {})
    raise ValueError(
        f"`weighting` must be a dict of factors or 'uncertainty', got {weighting!r}: "
        f'choose one of them'
    )


def _weighted(
    losses: Mapping[str, dict[str, Tensor]], weights: Mapping[str, Any]
) -> dict[str, Tensor]:
    """All losses by ``task.name``; what is logged only, such as accuracies, stays."""
    found: dict[str, Tensor] = {}
    for task, own in losses.items():
        scaled = {
            name: weights[task] * value if 'loss' in name else value
            for name, value in own.items()
        }
        found.update(add_prefix(scaled, task))
    return found
