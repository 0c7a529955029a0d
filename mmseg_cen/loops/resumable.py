"""A training loop that continues within an epoch."""

from mmengine.runner import EpochBasedTrainLoop
from mmseg.registry import LOOPS


@LOOPS.register_module()
class ResumableEpochTrainLoop(EpochBasedTrainLoop):
    """Epochs that continue where a checkpoint was saved within one.

    mmengine's loop begins the epoch again, which makes a longer training. Here the
    batches that were trained on are loaded once more and skipped, which repeats their
    draws; :class:`~mmseg_cen.hooks.ResumableRandomnessHook` repeats the seed.
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
