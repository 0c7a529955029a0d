import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.testing import assert_close

from mmseg_cen.loops import ResumableEpochTrainLoop, ResumableIterTrainLoop


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        nn.init.ones_(self.linear.weight)
        nn.init.ones_(self.linear.bias)

    def forward(self, x, mode='tensor'):
        if mode == 'loss':
            return {'loss': (self.linear(x) - 2 * x).square().mean()}
        return [x]


class InterruptionError(Exception):
    pass


class Seen(Hook):
    """Notes the samples of each iteration, and interrupts one."""

    def __init__(self, until=None, in_validation=None):
        self.samples = []
        self.until, self.in_validation = until, in_validation
        self.validations = 0

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.samples.append(data_batch['x'].flatten().int().tolist())

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.until:
            raise InterruptionError

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == self.in_validation:
            raise InterruptionError

    def after_val_epoch(self, runner, metrics=None):
        self.validations += 1


def joined(seen):
    """The samples that were trained on, in their order."""
    return [sample for batch in seen.samples for sample in batch]


class Score:
    dataset_meta = None

    def process(self, data_samples, data_batch):
        pass

    def evaluate(self, size):
        return {'acc': 1.0}


def train(
    work_dir,
    seen,
    *,
    by_epoch=True,
    batch_size=2,
    size=8,
    end=None,
    order=0,
    num_workers=0,
    **options,
):
    """Train a line by epochs of 8 samples, or by iterations; saves every iteration."""
    data = [{'x': torch.tensor([float(i)])} for i in range(size)]
    kind = 'DefaultSampler' if by_epoch else 'InfiniteSampler'
    loader = dict(
        dataset=data,
        batch_size=batch_size,
        num_workers=num_workers,
        sampler=dict(type=kind, shuffle=True, seed=order),
        collate_fn=dict(type='default_collate'),
    )
    loop = (
        dict(type='EpochBasedTrainLoop', max_epochs=3 if end is None else end)
        if by_epoch
        else dict(
            type='IterBasedTrainLoop',
            max_iters=10 if end is None else end,
            val_interval=5,
        )
    )
    schedule = dict(by_epoch=False, end=10)
    if by_epoch:
        schedule = dict(by_epoch=True, end=end or 3, convert_to_iter_based=True)
    sampler = dict(type='DefaultSampler', shuffle=False)
    runner = Runner(
        model=Line(),
        work_dir=str(work_dir),
        train_dataloader=loader,
        val_dataloader={**loader, 'sampler': sampler, 'num_workers': 0},
        val_evaluator=[],
        val_cfg=dict(),
        train_cfg=loop,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-3, momentum=0.9)),
        param_scheduler=dict(type='PolyLR', power=1.0, **schedule),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1)
        ),
        custom_hooks=[seen],
        default_scope='mmseg',
        experiment_name=f'{work_dir.name}_{id(seen)}',
        log_level='WARNING',
        **options,
    )
    runner.val_loop.evaluator = Score()
    try:
        runner.train()
    except InterruptionError:
        return None
    return runner


def test_configs_of_mmseg_have_these_loops(tmp_path):
    kinds = (ResumableEpochTrainLoop, ResumableIterTrainLoop)
    for kind, by_epoch in zip(kinds, (True, False), strict=True):
        runner = train(tmp_path / kind.__name__, Seen(), by_epoch=by_epoch, end=1)
        assert isinstance(runner.train_loop, kind)


@pytest.mark.parametrize('by_epoch', [True, False])
def test_a_training_of_no_length_is_refused(by_epoch, tmp_path):
    with pytest.raises(
        ValueError, match=r'`train_cfg\.max_\w+` must be at least 1, got 0'
    ):
        train(tmp_path, Seen(), by_epoch=by_epoch, end=0)


@pytest.mark.parametrize('by_epoch', [True, False])
@pytest.mark.parametrize('until', [2, 6, 8])
def test_an_interrupted_training_ends_like_an_unbroken_one(by_epoch, until, tmp_path):
    whole, first, second = Seen(), Seen(until), Seen()
    unbroken = train(tmp_path / 'unbroken', whole, by_epoch=by_epoch)
    assert train(tmp_path / 'broken', first, by_epoch=by_epoch) is None
    resumed = train(tmp_path / 'broken', second, by_epoch=by_epoch, resume=True)
    assert first.samples + second.samples == whole.samples
    assert resumed.iter == unbroken.iter == resumed.max_iters
    assert_close(
        resumed.model.state_dict(), unbroken.model.state_dict(), rtol=0, atol=0
    )
    assert first.validations + second.validations == whole.validations


@pytest.mark.parametrize('by_epoch', [True, False])
def test_a_training_without_a_seed_keeps_the_order_of_its_samples(by_epoch, tmp_path):
    whole, first, second = Seen(), Seen(until=2), Seen()
    options = dict(by_epoch=by_epoch, num_workers=1)
    train(tmp_path / 'unbroken', whole, **options)
    train(tmp_path / 'broken', first, **options)
    train(tmp_path / 'broken', second, order=1, resume=True, **options)
    assert first.samples + second.samples == whole.samples


@pytest.mark.parametrize('batch_size', [1, 4, 8])
def test_an_epoch_goes_on_with_the_samples_that_are_left(batch_size, tmp_path):
    whole, first, second = Seen(), Seen(until=6), Seen()
    train(tmp_path / 'unbroken', whole)
    train(tmp_path / 'broken', first)
    resumed = train(tmp_path / 'broken', second, batch_size=batch_size, resume=True)
    order = joined(whole)
    trained = joined(first)
    again = len(trained) % 8 % batch_size  # of a batch that was trained on in part
    assert joined(second) == order[len(trained) - again :]
    assert resumed.epoch == 3
    assert resumed.iter == resumed.max_iters
    (rate,) = resumed.optim_wrapper.get_lr()['lr']
    assert rate < 1e-3 * 8 / 24, 'the schedule has come to its last epoch'


@pytest.mark.parametrize('size', [4, 20])
def test_another_data_set_is_trained_on_from_its_beginning(size, tmp_path):
    train(tmp_path, Seen(until=6))
    seen = Seen()
    resumed = train(tmp_path, seen, size=size, resume=True)
    assert len(seen.samples) == 2 * size // 2, 'epochs 2 and 3'
    assert resumed.iter == resumed.max_iters


def test_an_endless_sampler_goes_on_with_the_samples_that_come_next(tmp_path):
    whole, first, second = Seen(), Seen(until=6), Seen()
    train(tmp_path / 'unbroken', whole, by_epoch=False)
    train(tmp_path / 'broken', first, by_epoch=False)
    train(tmp_path / 'broken', second, by_epoch=False, batch_size=4, resume=True)
    order = joined(whole)
    assert joined(second)[:8] == order[12:20]


@pytest.mark.parametrize('by_epoch', [True, False])
@pytest.mark.parametrize('last', [False, True])
def test_an_interrupted_validation_is_made_up(by_epoch, last, tmp_path):
    whole, second = Seen(), Seen()
    train(tmp_path / 'unbroken', whole, by_epoch=by_epoch)
    step = len(whole.samples) // (3 if by_epoch else 2)
    first = Seen(in_validation=len(whole.samples) if last else step)
    assert train(tmp_path / 'broken', first, by_epoch=by_epoch) is None
    train(tmp_path / 'broken', second, by_epoch=by_epoch, resume=True)
    assert first.validations + second.validations == whole.validations
    assert first.samples + second.samples == whole.samples


@pytest.mark.parametrize('by_epoch', [True, False])
def test_nothing_left_to_train_is_told_and_not_validated_again(by_epoch, tmp_path):
    train(tmp_path, Seen(), by_epoch=by_epoch, end=2)
    seen = Seen()
    train(tmp_path, seen, by_epoch=by_epoch, end=2, resume=True)
    assert (seen.samples, seen.validations) == ([], 0)


def test_a_new_training_forgets_the_validations_of_an_earlier_one(tmp_path):
    train(tmp_path, Seen())
    train(tmp_path, Seen(in_validation=4))
    seen = Seen()
    train(tmp_path, seen, resume=True)
    assert seen.validations == 3


def without_position(folder):
    path = max(folder.glob('iter_*.pth'), key=lambda path: int(path.stem[5:]))
    checkpoint = torch.load(path)
    del checkpoint['message_hub']['runtime_info']['data_position']
    torch.save(checkpoint, path)


def test_an_older_checkpoint_continues_where_its_iteration_tells(tmp_path):
    whole, first, second = Seen(), Seen(until=6), Seen()
    train(tmp_path / 'unbroken', whole)
    train(tmp_path / 'broken', first)
    without_position(tmp_path / 'broken')
    train(tmp_path / 'broken', second, resume=True)
    assert first.samples + second.samples == whole.samples
    other = Seen()
    train(tmp_path / 'other', Seen(until=6))
    without_position(tmp_path / 'other')
    train(tmp_path / 'other', other, batch_size=8, resume=True)
    assert len(other.samples) == 2, 'no epoch is left out'


def test_an_epoch_without_end_is_refused(tmp_path):
    loader = dict(
        dataset=[{'x': torch.zeros(1)}],
        batch_size=1,
        sampler=dict(type='InfiniteSampler'),
    )
    runner = Runner(
        model=Line(),
        work_dir=str(tmp_path),
        train_dataloader=loader,
        train_cfg=dict(type='ResumableEpochTrainLoop', max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_scope='mmseg',
        experiment_name='endless',
        log_level='ERROR',
    )
    with pytest.raises(ValueError, match='got an InfiniteSampler: set sampler'):
        runner.train()
