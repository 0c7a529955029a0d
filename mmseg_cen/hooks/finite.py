"""Stops a training whose losses are NaN or infinite."""

import math
from typing import Any

import torch
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from .every_n_iterations import EveryNIterations


@HOOKS.register_module()
class FiniteLossHook(EveryNIterations):
    """Stop when a loss is NaN or infinite, before the weights are saved.

    Args:
        interval: Iterations between two checks; each waits for the device.

    Raises:
        ValueError: If the interval is not positive, or, while training, if a loss is
            not finite.
    """

    priority = 'ABOVE_NORMAL'  # above the CheckpointHook

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(
                f'`interval` must be at least 1, got {interval}: leave out the hook to '
                f'check nothing'
            )
        super().__init__(interval)

    def act(self, runner: Runner, outputs: Any) -> None:
        losses = {
            name: value
            for name, value in (outputs or {}).items()
            if 'loss' in name and isinstance(value, Tensor)
        }
        if not losses:
            return
        values = torch.stack([value.detach().double() for value in losses.values()])
        found = {
            name: value
            for name, value in zip(losses, values.tolist(), strict=True)
            if not math.isfinite(value)
        }
        if found:
            raise ValueError(
                f'losses must be finite, got {found} at iteration {runner.iter + 1}: '
                f'the training has diverged; lower the learning rate, look for NaN in '
                f'the data, or resume from an earlier checkpoint'
            )
