from types import SimpleNamespace

import pytest

from mmseg_cen.loops import ResumableEpochTrainLoop


@pytest.mark.parametrize('done', [0, 1, 4])
def test_an_epoch_goes_on_behind_the_batches_that_were_trained_on(done):
    calls = []
    loop = ResumableEpochTrainLoop.__new__(ResumableEpochTrainLoop)
    loop._runner = SimpleNamespace(
        call_hook=calls.append,
        model=SimpleNamespace(train=lambda: calls.append('train')),
    )
    loop.dataloader = 'abcde'
    loop._epoch, loop._iter = 2, 10 + done
    loop.run_iter = lambda idx, batch: calls.append((idx, batch))
    loop.run_epoch()
    batches = list(enumerate('abcde'))[done:]
    assert calls == ['before_train_epoch', 'train', *batches, 'after_train_epoch']
    assert loop.epoch == 3
