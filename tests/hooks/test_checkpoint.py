import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmseg_cen.checkpoints import latest_checkpoint, lock
from mmseg_cen.hooks import SafeCheckpointHook


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x, mode='tensor'):
        if mode == 'loss':
            return {'loss': (self.linear(x) - 2 * x).square().mean()}
        return [x]


class Score:
    """An evaluator with given scores, one for each validation."""

    def __init__(self, scores):
        self.scores = iter(scores)
        self.dataset_meta = None

    def process(self, data_samples, data_batch):
        pass

    def evaluate(self, size):
        score = next(self.scores)
        return {'rgb/acc': -score, 'acc': score}


def train(work_dir, max_epochs=3, scores=(1, 3, 2, 4, 5), hooks=(), **options):
    """Train a line; every epoch has two iterations."""
    data = [{'x': torch.tensor([float(i)])} for i in range(4)]
    loader = dict(
        dataset=data,
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
    )
    checkpoint = dict(
        type='CheckpointHook', interval=1, save_best='acc', max_keep_ckpts=1
    )
    runner = Runner(
        model=Line(),
        work_dir=str(work_dir),
        train_dataloader=loader,
        val_dataloader=loader,
        val_evaluator=[],
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=max_epochs),
        val_cfg=dict(),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint={**checkpoint, **options.pop('checkpoint', {})}),
        custom_hooks=[*hooks],
        default_scope='mmseg',
        experiment_name=f'{work_dir}_{max_epochs}',
        log_level='ERROR',
        **options,
    )
    runner.val_loop.evaluator = Score(scores)
    runner.train()
    return runner


def names(folder):
    return sorted(path.name for path in Path(folder).glob('*.pth*'))


def test_configs_of_mmseg_have_this_hook(tmp_path):
    runner = train(tmp_path, max_epochs=1)
    assert any(isinstance(hook, SafeCheckpointHook) for hook in runner.hooks)


def test_the_best_by_itself_is_that_of_the_ensemble(tmp_path):
    train(tmp_path, checkpoint=dict(save_best='auto', rule='greater'))
    assert 'best_acc_epoch_2.pth' in names(tmp_path)


class Killed(Hook):
    """Notes the files that there are while a checkpoint is written."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = []

    def before_save_checkpoint(self, runner, checkpoint):
        self.seen.append(names(self.folder))


def test_the_checkpoint_before_stays_until_the_next_one_is_written(tmp_path):
    watch = Killed(tmp_path)
    train(tmp_path, hooks=[watch])
    assert names(tmp_path) == ['best_acc_epoch_2.pth', 'epoch_3.pth']
    assert all(watch.seen[1:]), 'there is always one to resume from'
    bests = [{n for n in seen if n.startswith('best')} for seen in watch.seen[3:]]
    assert all(bests), 'and always a best one'
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_3.pth')


def test_a_copied_work_directory_resumes_and_leaves_the_first_alone(tmp_path):
    first, copy = tmp_path / 'first', tmp_path / 'copy'
    train(first)
    shutil.copytree(first, copy)
    before = {path.name: path.stat().st_mtime_ns for path in first.glob('*.pth')}
    runner = train(copy, max_epochs=4, scores=[9], resume=True)
    assert runner.iter == 8
    assert names(copy) == ['best_acc_epoch_4.pth', 'epoch_4.pth']
    after = {path.name: path.stat().st_mtime_ns for path in first.glob('*.pth')}
    assert after == before


class Interrupts(Hook):
    """Interrupts at an iteration, in the validation or in the training."""

    def __init__(self, at, in_validation):
        self.at, self.in_validation = at, in_validation

    def _interrupt(self, runner, mode):
        if runner.iter == self.at and (mode == 'val') == self.in_validation:
            raise InterruptedError

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._interrupt(runner, 'val')

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self._interrupt(runner, 'train')


@pytest.mark.parametrize('elsewhere', [False, True])
def test_a_validation_that_is_made_up_counts_for_the_best(elsewhere, tmp_path):
    work = tmp_path / 'work'
    with pytest.raises(InterruptedError):
        train(work, hooks=[Interrupts(2, True)])
    options = dict(resume=True)
    if elsewhere:
        options['load_from'] = str(work / 'epoch_1.pth')
        work = tmp_path / 'elsewhere'
    with pytest.raises(InterruptedError):
        train(work, scores=[3], hooks=[Interrupts(3, False)], **options)
    train(work, scores=[1, 2], resume=True)
    assert names(work) == ['best_acc_epoch_1.pth', 'epoch_3.pth']


def test_a_training_that_went_back_is_not_resumed_from_what_it_left(tmp_path):
    """It may have diverged there."""
    train(tmp_path, checkpoint=dict(max_keep_ckpts=-1))
    assert latest_checkpoint(str(tmp_path)) == str(tmp_path / 'epoch_3.pth')
    start = str(tmp_path / 'epoch_1.pth')
    hooks = [Interrupts(2, in_validation=False)]
    with pytest.raises(InterruptedError):
        train(tmp_path, hooks=hooks, resume=True, load_from=start)
    assert latest_checkpoint(str(tmp_path)) == start


def test_leavings_of_a_killed_save_are_removed(tmp_path):
    (tmp_path / '.epoch_1.pth.7.part').touch()
    train(tmp_path, max_epochs=1)
    assert names(tmp_path) == ['best_acc_epoch_1.pth', 'epoch_1.pth']


class Poison(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 2:
            nn.init.constant_(runner.model.linear.bias, float('nan'))


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    with pytest.raises(
        ValueError, match=r'infinity in linear\.weight, linear\.bias at'
    ):
        train(tmp_path, hooks=[Poison()])
    assert 'epoch_1.pth' in names(tmp_path)
    assert torch.load(tmp_path / 'epoch_1.pth')['state_dict']['linear.bias'].isfinite()


def test_weights_that_are_not_finite_are_not_loaded(tmp_path):
    train(tmp_path, 1)
    path = tmp_path / 'epoch_1.pth'
    checkpoint = torch.load(path)
    checkpoint['state_dict']['linear.bias'].fill_(float('inf'))
    torch.save(checkpoint, path)
    with pytest.raises(ValueError, match=r'infinity in linear\.bias of .*epoch_1\.pth'):
        train(tmp_path, 2, resume=True)


def test_the_test_of_a_config_that_resumes_has_no_optimizer_to_check():
    """Its wrapper is a config still; mmengine builds it behind the weights."""
    runner = SimpleNamespace(
        model=Line(),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        _resume=True,
        _load_from='epoch_1.pth',
        _test_loop=None,
        _train_loop=None,
    )
    checkpoint = dict(state_dict=Line().state_dict(), optimizer={}, meta={})
    SafeCheckpointHook().after_load_checkpoint(runner, checkpoint)


def test_a_published_checkpoint_has_the_keys_that_are_asked_for(tmp_path):
    train(tmp_path, 1, checkpoint=dict(published_keys=['meta', 'state_dict']))
    (published,) = tmp_path.glob('epoch_1-*.pth')
    assert torch.load(published).keys() == {'meta', 'state_dict'}


def test_a_training_locks_its_work_directory_until_it_ends(tmp_path):
    held = []

    class Look(Hook):
        def before_train(self, runner):
            held.append(tmp_path.resolve() in lock._held)

    train(tmp_path, 1, hooks=[Look()])
    assert held == [True]
    assert tmp_path.resolve() not in lock._held
