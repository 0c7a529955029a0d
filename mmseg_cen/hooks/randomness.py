"""Random numbers of a resumed training, equal to the ones of an unbroken training."""

import os
import random
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.registry import FUNCTIONS
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class ResumableRandomnessHook(Hook):
    """Make random numbers independent of when a training was interrupted.

    mmengine stores no random state. Here nothing needs to be stored: augmentation draws
    depend on the seed, the process and the epoch, the network's draws (dropout) on the
    seed, the process and the iteration. Give the dataloader
    ``worker_init_fn=dict(type='seed_worker')`` and no persistent workers, whose state
    would run through all epochs.

    When an iteration-based loop resumes, mmengine loads the batches that were trained
    on once more and skips them, which repeats their draws.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            # Seeds the workers anew whenever the data begin again.
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


def _seed(runner: Runner, step: int) -> int:
    """A seed in [0, 2^32), different for every process and step."""
    sequence = np.random.SeedSequence([runner.seed, runner.rank, step])
    return int(sequence.generate_state(1)[0])


@FUNCTIONS.register_module()
def seed_worker(worker_id: int, **kwargs: Any) -> None:
    """Seed a worker of a dataloader: NumPy, and torch beyond the first process.

    The worker computes in one thread, as torch does there: OpenCV, too, also where
    workers are spawned, which inherit no setting.

    mmengine's ``worker_init_fn`` repeats its draws in all epochs. torch's seed is drawn
    in the main process whenever workers are started, and differs between workers. It is
    the same in all processes that train together where workers are started before a
    hook can seed them, as those of an iteration-based loop: there, the number of the
    process counts, too.

    Args:
        worker_id: Ignored.
        **kwargs: Ignored; mmengine passes more arguments.
    """
    seed = torch.initial_seed()
    if rank := int(os.environ.get('RANK', 0)):  # the first draws as one alone does
        seed = int(np.random.SeedSequence([rank, seed]).generate_state(1)[0])
        random.seed(seed)
        torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    cv2.setNumThreads(0)
