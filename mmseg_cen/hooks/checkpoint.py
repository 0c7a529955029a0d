"""Saves checkpoints so that nothing is lost, and tells what they were trained as."""

import os
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, Runner
from mmseg.registry import HOOKS

from mmseg_cen.checkpoints import (
    check_trained_as,
    describe_training,
    latest_checkpoint,
    lock_training,
    note_checkpoint,
    state_of,
    unlock_training,
)
from mmseg_cen.checkpoints.optimizer_state import check_optimizer
from mmseg_cen.checkpoints.trained_as import TRAINED_AS
from mmseg_cen.disk import remove_unfinished
from mmseg_cen.once import warn_once
from mmseg_cen.streams.state import first_names, unwrap

from .finite import not_finite, weights_of


@HOOKS.register_module(name=['CheckpointHook', 'SafeCheckpointHook'])
class SafeCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, such that an interruption or a mistake loses nothing.

    It goes by the name ``CheckpointHook`` in every config of ``default_scope='mmseg'``.
    Beyond mmengine's

    - a checkpoint is removed when the one that replaces it is written, not before, and
      the note ``last_checkpoint`` is replaced as a whole;
    - weights that are not finite are neither saved nor loaded, and end the training;
    - a training without ``load_from`` resumes from the latest checkpoint that is
      complete, of its own work directory, even if that was copied or moved, and leaves
      checkpoints of other directories alone;
    - ``save_best='auto'`` is the first figure of the ensemble, before those of streams;
    - one training at a time writes to a work directory;
    - checkpoints say what they were trained as
      (:func:`~mmseg_cen.checkpoints.describe_training`); modalities or classes in
      another order are refused when one is loaded, and other differences are logged.

    Args:
        *args: Passed to :class:`mmengine.hooks.CheckpointHook`.
        **kwargs: Passed to :class:`mmengine.hooks.CheckpointHook`.

    Raises:
        ValueError: If another training writes to the work directory, a checkpoint was
            trained with another order of its modalities or classes, or is resumed with
            another optimizer, or weights that are to be saved or loaded are not finite.
    """

    best_ckpt_path: Any
    best_ckpt_path_dict: dict[str, Any]
    file_backend: Any

    def before_run(self, runner: Runner) -> None:
        if not _trains(runner):
            return
        if is_main_process():
            lock_training(runner.work_dir)
        if runner._resume and runner._load_from is None:
            runner._load_from = latest_checkpoint(runner.work_dir)
            runner._resume = runner._load_from is not None

    def after_run(self, runner: Runner) -> None:
        if is_main_process():
            unlock_training(runner.work_dir)

    def after_load_checkpoint(self, runner: Runner, checkpoint: Any) -> None:
        known = weights_of(unwrap(runner.model))
        state = state_of(checkpoint, str(runner._load_from))
        loaded = {name: state.get(name) for name in known}
        if wrong := not_finite({k: w for k, w in loaded.items() if torch.is_tensor(w)}):
            raise ValueError(
                f'weights of a checkpoint must be finite, got NaN or infinity in '
                f'{first_names(wrong)} of {runner._load_from!r}: its training had '
                f'diverged; take an earlier one'
            )
        now = describe_training(runner.model, _dataset_of(runner))
        for difference in check_trained_as(checkpoint, now, repr(runner._load_from)):
            warn_once(difference, difference)
        wrapper = getattr(runner, 'optim_wrapper', None)  # a config, before a test
        is_resumed = runner._resume and 'optimizer' in checkpoint
        if is_resumed and isinstance(wrapper, OptimWrapper):
            check_optimizer(wrapper, checkpoint['optimizer'], str(runner._load_from))

    def before_train(self, runner: Runner) -> None:
        super().before_train(runner)
        if is_main_process():
            for folder in {runner.work_dir, str(self.out_dir)}:
                remove_unfinished(folder)
            self._note_start(runner)
        if runner.iter and (last := runner.message_hub.runtime_info.get('last_ckpt')):
            # A validation that is made up adds the best score to this checkpoint.
            name = os.path.basename(last)
            self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        if self.save_best is None:
            return
        # The paths of best checkpoints are those of where the training began.
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = self._own(self.best_ckpt_path)
        else:
            self.best_ckpt_path_dict = {
                key: self._own(path) for key, path in self.best_ckpt_path_dict.items()
            }

    def before_save_checkpoint(self, runner: Runner, checkpoint: Any) -> None:
        if wrong := not_finite(weights_of(runner.model)):
            raise ValueError(
                f'weights must be finite to be saved, got NaN or infinity in '
                f'{first_names(wrong)} at iteration {runner.iter + 1}: the training '
                f'has diverged; resume from a checkpoint before, all of which are '
                f'kept, with a lower learning rate, and look for NaN in the data'
            )
        dataset = runner.train_dataloader.dataset
        checkpoint['meta'][TRAINED_AS] = describe_training(runner.model, dataset)

    def _note_start(self, runner: Runner) -> None:
        """Let a training that goes back in its work directory not come back by itself.

        Resumed once more before its first checkpoint, it begins where it began.
        """
        start = runner._load_from
        if runner.iter and runner._resume and start is not None:
            folder, name = os.path.split(os.path.abspath(os.path.expanduser(start)))
            if folder == os.path.abspath(str(self.out_dir)):
                note_checkpoint(runner.work_dir, os.path.join(str(self.out_dir), name))

    def _own(self, path: str | None) -> str | None:
        """The file of the same name in the folder that this training saves to."""
        if path is None:
            return None
        own = self.file_backend.join_path(self.out_dir, os.path.basename(path))
        return own if self.file_backend.isfile(own) else None

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict[str, Any]
    ) -> None:
        outdated = self._keep(runner, step) if self.max_keep_ckpts > 0 else None
        filename = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, filename)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            filename,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            note_checkpoint(runner.work_dir, self.last_ckpt)
            if outdated is not None:
                _remove(self.file_backend, outdated)

    def _keep(self, runner: Runner, step: int) -> str | None:
        """Count a checkpoint among those that are kept; the path of one too many."""
        kept = self.keep_ckpt_ids
        if kept and kept[-1] == step:
            return None
        outdated = None
        if len(kept) == self.max_keep_ckpts and kept[0] != step:
            outdated = self.filename_tmpl.format(kept[0])
        kept.append(step)  # drops the first, if there are too many
        runner.message_hub.update_info('keep_ckpt_ids', list(kept))
        return outdated and self.file_backend.join_path(self.out_dir, outdated)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        # The first one is that of `save_best='auto'`: of the ensemble, not of a stream.
        metrics = dict(sorted(metrics.items(), key=lambda metric: '/' in metric[0]))
        # mmengine removes the best one before it writes the better one.
        backend = self.file_backend
        self.file_backend = later = _RemovesLater(backend)
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = backend
        best = {getattr(self, 'best_ckpt_path', None)}
        best |= {*getattr(self, 'best_ckpt_path_dict', {}).values()}
        for path in later.paths:
            if path not in best:
                _remove(backend, path)


class _RemovesLater:
    """A file backend that notes what is to be removed instead of removing it."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.paths: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self.paths.append(path)

    rmtree = remove


def _remove(backend: Any, path: str) -> None:
    if backend.isfile(path):
        backend.remove(path)
    elif backend.isdir(path):  # deepspeed's
        backend.rmtree(path)


def _trains(runner: Runner) -> bool:
    """Whether a run is a training, not a test."""
    return isinstance(runner._train_loop, BaseLoop)


def _dataset_of(runner: Runner) -> Any:
    """The data set of a test or a training; None before there is one."""
    for loop in (runner._test_loop, runner._train_loop):
        if isinstance(loop, BaseLoop):
            return loop.dataloader.dataset
    return None
