"""A training whose losses are no numbers any more ends with an error."""

import math
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop when a loss is NaN or infinite, before the weights are saved.

    Args:
        interval: Iterations between two looks; each waits for the device.

    Raises:
        ValueError: While training, if a loss is not finite.
    """

    priority = 'ABOVE_NORMAL'  # above the CheckpointHook

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(f'interval is at least 1, got {interval}')
        self.interval = interval

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        last = runner.iter + 1 == runner.max_iters
        if not (last or self.every_n_train_iters(runner, self.interval)):
            return
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
                f'training has diverged: at iteration {runner.iter + 1} the losses '
                f'{found} are not finite; lower the learning rate, look for NaN in the '
                f'data, or resume from a checkpoint before'
            )
