"""A resumed training is the continuation of the one that was interrupted."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.registry import FUNCTIONS
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS, LOOPS


@HOOKS.register_module()
class ResumableRandomnessHook(Hook):
    """Let random numbers not depend on when a training was interrupted.

    mmengine stores no random state. Here, augmentation draws of an epoch depend on the
    seed, the process and the epoch, and the network's draws (dropout) of an iteration
    on the iteration, so that nothing needs to be stored. Give the dataloader
    ``worker_init_fn=dict(type='seed_worker')`` and no persistent workers, whose state
    would run through all epochs.

    In an iteration-based loop, mmengine loads what was trained on once more to skip
    it, which repeats its draws.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            # Seeds the workers anew whenever the data are through.
            generator = torch.Generator().manual_seed(_seed(runner, 0))
            runner.train_dataloader.generator = generator

    def before_train_epoch(self, runner: Runner) -> None:
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        seed = _seed(runner, runner.epoch if by_epoch else 0)
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        torch.manual_seed(_seed(runner, runner.iter))


@LOOPS.register_module()
class ResumableEpochTrainLoop(EpochBasedTrainLoop):
    """Epochs that continue where a checkpoint was saved within one.

    mmengine's loop begins the epoch again, which makes a longer training. What was
    trained on is loaded once more and skipped, which repeats its draws.
    """

    def run_epoch(self) -> None:
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self._iter - self._epoch * len(self.dataloader)
        for idx, data_batch in enumerate(self.dataloader):
            if idx >= done:
                self.run_iter(idx, data_batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1


def _seed(runner: Runner, step: int) -> int:
    """A seed in [0, 2^32) of this process and step, unlike those of other steps."""
    sequence = np.random.SeedSequence([runner.seed, runner.rank, step])
    return int(sequence.generate_state(1)[0])


@FUNCTIONS.register_module()
def seed_worker(worker_id: int, **kwargs: Any) -> None:
    """Seed NumPy in a worker of a dataloader from torch's seed of the worker.

    Unlike mmengine's ``worker_init_fn``, which draws alike in all epochs: torch's seed
    is drawn in the main process whenever workers are started.

    Args:
        worker_id: Not needed, for torch's seed differs between workers.
        **kwargs: What mmengine passes besides.
    """
    np.random.seed(torch.initial_seed() % 2**32)
