"""What hooks share that act at intervals of the training."""

from abc import abstractmethod
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner


class EveryNIterations(Hook):
    """A hook that acts at every so many training iterations, and at the last one.

    Args:
        interval: Iterations between two actions; 0: at the last iteration only.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        if self.is_due(runner, self.interval):
            self.act(runner, outputs)

    def is_due(self, runner: Runner, interval: int) -> bool:
        """Whether the iteration that ends is the last one, or ends an interval."""
        last = runner.iter + 1 == runner.max_iters
        return bool(last or self.every_n_train_iters(runner, interval))

    @abstractmethod
    def act(self, runner: Runner, outputs: Any) -> None:
        """Called when an interval ends.

        Args:
            runner: The runner; ``runner.iter + 1`` iterations are done.
            outputs: Losses of the iteration, by name.
        """
