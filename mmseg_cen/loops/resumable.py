"""Training loops that continue exactly where a checkpoint was saved."""

import logging
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from mmseg.registry import LOOPS

from .position import DataPosition, restore_order, save_position, saved_position
from .validations import forget_validations, make_up_validation, validate


@LOOPS.register_module(name=['EpochBasedTrainLoop', 'ResumableEpochTrainLoop'])
class ResumableEpochTrainLoop(EpochBasedTrainLoop):
    """Epochs that continue where a checkpoint was saved within one.

    mmengine's loop begins the epoch again, which makes a longer training. Here the
    batches that were trained on are loaded once more and skipped, which repeats their
    draws; :class:`~mmseg_cen.hooks.ResumableRandomnessHook` repeats the seed. With
    another batch size, number of processes or data set, an epoch has another number of
    batches; the epochs that are left are trained, and what has changed is logged.

    A validation that was due and not made to its end is made up. In a config of
    ``default_scope='mmseg'``, an ``EpochBasedTrainLoop`` is one of these.

    Args:
        *args: Passed to :class:`mmengine.runner.EpochBasedTrainLoop`.
        **kwargs: Passed to :class:`mmengine.runner.EpochBasedTrainLoop`.

    Raises:
        ValueError: If the sampler has no end, and so an epoch has none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(getattr(self.dataloader, 'sampler', None), InfiniteSampler):
            raise ValueError(
                f'the sampler of a {type(self).__name__} must end with the epoch, got '
                f"an InfiniteSampler: set sampler=dict(type='DefaultSampler') of the "
                f"train_dataloader, or train_cfg=dict(type='IterBasedTrainLoop', ...)"
            )
        self._done: int | None = None  # not known before the training begins

    @property
    def max_iters(self) -> int:
        """Iterations until now, and those of the epochs that are left."""
        done = self._done_before() if self._done is None else self._done
        left = (self._max_epochs - self._epoch) * len(self.dataloader)
        return int(self._iter + left - done)

    def run(self) -> Any:
        """Train the epochs that are left."""
        self._continue()
        self._done = self._done_before()
        self._decide_current_val_interval()
        self.runner.call_hook('before_train')
        forget_validations(self.runner)
        if self._iter and not self._done and self._is_validation_due():
            make_up_validation(self.runner)
        if self._iter >= self.max_iters:
            _say_nothing_left(self.runner, 'max_epochs', self._max_epochs)
        while self._epoch < self._max_epochs and not self.stop_training:
            # A checkpoint of the last iteration of an epoch is not of its end.
            is_over = self._done == len(self.dataloader)
            self.run_epoch()
            self._decide_current_val_interval()
            if self._is_validation_due():
                (make_up_validation if is_over else validate)(self.runner)
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train an epoch, or what is left of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        skipped = self._done or 0
        batches = self.dataloader if skipped < len(self.dataloader) else ()
        for idx, data_batch in enumerate(batches):
            if idx >= skipped:
                self.run_iter(idx, data_batch)
        self._save(0)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
        self._done = 0

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Train on a batch."""
        self._save(idx + 1)
        super().run_iter(idx, data_batch)
        self._done = idx + 1

    def _save(self, batches: int) -> None:
        position = DataPosition.at(batches, self.dataloader)
        save_position(self.runner.message_hub, position)

    def _is_validation_due(self) -> bool:
        return (
            self.runner.val_loop is not None
            and self._epoch >= self.val_begin
            and (
                self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
            )
        )

    def _done_before(self) -> int:
        """Batches of this epoch that were trained on before the training resumed."""
        if not self._iter:
            return 0
        now = DataPosition.at(0, self.dataloader)
        then = saved_position(self.runner.message_hub)
        if then is None:  # an older checkpoint
            done = self._iter - self._epoch * now.length
            return done if 0 <= done < now.length else 0
        return min(then.moved_to(now, endless=False), now.length)

    def _continue(self) -> None:
        """Take over the order of the samples, and say what else has changed."""
        then = saved_position(self.runner.message_hub)
        if not self._iter or then is None:
            return
        restore_order(self.dataloader, then)
        now = DataPosition.at(0, self.dataloader)
        if changes := then.changes(now):
            print_log(
                f'epoch {self._epoch + 1} continues with {changes}: an epoch has '
                f'{now.length} batches instead of {then.length}',
                'current',
                logging.WARNING,
            )


@LOOPS.register_module(name=['IterBasedTrainLoop', 'ResumableIterTrainLoop'])
class ResumableIterTrainLoop(IterBasedTrainLoop):
    """Iterations that continue with the samples that come next.

    mmengine's loop loads as many batches as there were iterations, and skips them. Here
    as many samples are skipped as were trained on, also with another batch size or
    number of processes, which is logged. A validation that was due and not made to its
    end is made up. In a config of ``default_scope='mmseg'``, an ``IterBasedTrainLoop``
    is one of these.

    Args:
        *args: Passed to :class:`mmengine.runner.IterBasedTrainLoop`.
        **kwargs: Passed to :class:`mmengine.runner.IterBasedTrainLoop`.
    """

    dataloader_iterator: Any

    def run(self) -> Any:
        """Train the iterations that are left."""
        self._done = 0
        self.runner.call_hook('before_train')
        # As mmengine has it, the whole training is one epoch for the hooks.
        self.runner.call_hook('before_train_epoch')
        self._decide_current_val_interval()
        forget_validations(self.runner)
        if self._iter and self._is_validation_due():
            make_up_validation(self.runner)
        if self._iter >= self._max_iters:
            _say_nothing_left(self.runner, 'max_iters', self._max_iters)
        else:
            self._skip()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            if self._is_validation_due():
                validate(self.runner)
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        # Ends its processes. The garbage collector would wait 5 s for each of them.
        del self.dataloader_iterator
        return self.runner.model

    def run_iter(self, data_batch: Any) -> None:
        """Train on a batch."""
        self._done += 1
        position = DataPosition.at(self._done, self.dataloader)
        save_position(self.runner.message_hub, position)
        super().run_iter(data_batch)

    def _skip(self) -> None:
        """Skip what was trained on before."""
        if not self._iter:
            return
        then = saved_position(self.runner.message_hub)
        self._done = self._iter
        if then is not None:
            if restore_order(self.dataloader, then):
                # The old one has loaded samples in advance.
                self.dataloader_iterator = type(self.dataloader_iterator)(
                    self.dataloader
                )
            now = DataPosition.at(0, self.dataloader)
            sampler = getattr(self.dataloader, 'sampler', None)
            endless = isinstance(sampler, InfiniteSampler)
            self._done = then.moved_to(now, endless)
            if changes := then.changes(now):
                print_log(
                    f'iteration {self._iter + 1} continues with {changes}',
                    'current',
                    logging.WARNING,
                )
        print_log(f'skipping {self._done} batches that were trained on', 'current')
        for _ in range(self._done):
            next(self.dataloader_iterator)

    def _is_validation_due(self) -> bool:
        return (
            self.runner.val_loop is not None
            and self._iter >= self.val_begin
            and (self._iter % self.val_interval == 0 or self._iter == self._max_iters)
        )


def _say_nothing_left(runner: Runner, setting: str, number: int) -> None:
    if not runner.iter:
        raise ValueError(
            f'`train_cfg.{setting}` must be at least 1, got {number}: say how long to '
            f'train'
        )
    print_log(
        f'nothing is left to train: the checkpoint is of the end of the training '
        f'({setting}={number}); set train_cfg.{setting} to more to go on',
        'current',
    )
