import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmseg_cen.hooks import ParamSchedulerHook, param_schedules

POLY = dict(type='PolyLR', power=2.0, convert_to_iter_based=True)
POLY_SOON = dict(type='PolyLR', begin=1, end=6, convert_to_iter_based=True)
WARM = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=3), POLY_SOON]
COSINE = dict(type='CosineAnnealingLR', T_max=6, end=6, convert_to_iter_based=True)
STEPS = dict(type='MultiStepLR', milestones=[2, 3], gamma=0.1)
SGD = dict(type='SGD', lr=1.0, momentum=0.5)


class Still(BaseModel):
    """Learns nothing, and notes the learning rate of each iteration."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(1, 1)
        self.rates = []

    def train_step(self, data, optim_wrapper):
        optim_wrapper.step()
        self.rates.append(optim_wrapper.get_lr()['lr'][-1])
        return {}

    def forward(self, inputs, data_samples=None, mode='loss'):
        raise NotImplementedError


def train(work_dir, schedule, epochs, *, batch_size=1, optimizer=SGD, resume=False):
    """The learning rates of a training, with 4 samples in an epoch."""
    runner = Runner(
        model=Still(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=[0, 1, 2, 3],
            batch_size=batch_size,
            sampler=dict(type='DefaultSampler', shuffle=False),
        ),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs),
        optim_wrapper=dict(
            optimizer=optimizer,
            paramwise_cfg=dict(custom_keys=dict(bias=dict(lr_mult=2.0))),
        ),
        param_scheduler=copy.deepcopy(schedule),
        default_scope='mmseg',
        experiment_name=f'{work_dir.name}_{epochs}_{resume}',
        log_level='ERROR',
        resume=resume,
        cfg=ConfigDict(param_scheduler=copy.deepcopy(schedule)),
    )
    runner.train()
    return runner.model.rates


@pytest.fixture
def said(monkeypatch):
    texts = []
    monkeypatch.setattr(
        param_schedules, 'print_log', lambda text, *_: texts.append(text)
    )
    return texts


@pytest.mark.parametrize('schedule', [POLY, STEPS, WARM])
def test_a_training_that_is_made_longer_has_the_rates_of_a_long_one(schedule, tmp_path):
    wanted = train(tmp_path / 'long', schedule, 6)
    train(tmp_path / 'short', schedule, 3)
    found = train(tmp_path / 'short', schedule, 6, resume=True)
    assert found == pytest.approx(wanted[12:])


def test_another_learning_rate_holds_when_a_training_resumes(tmp_path, said):
    changed = dict(SGD, lr=0.1, momentum=0.9)
    wanted = train(tmp_path / 'other', STEPS, 4, optimizer=changed)
    train(tmp_path / 'first', STEPS, 3)
    found = train(tmp_path / 'first', STEPS, 4, optimizer=changed, resume=True)
    assert found == pytest.approx(wanted[12:])
    (text,) = said
    assert 'lr=0.1 instead of 1.0' in text
    assert 'momentum=0.9 instead of 0.5' in text


def test_settings_that_validations_hold_are_said(tmp_path, said):
    plateau = dict(type='ReduceOnPlateauLR', monitor='acc', rule='greater')
    train(tmp_path, plateau, 1)
    train(tmp_path, plateau, 2, resume=True)
    assert said == []
    rates = train(tmp_path, plateau, 3, optimizer=dict(SGD, lr=0.1), resume=True)
    assert set(rates) == {2.0}
    (text,) = said
    assert 'not with lr=0.1 instead of 1.0, ' in text


def test_another_optimizer_is_refused_when_a_training_resumes(tmp_path):
    """Torch would take its state, and fail at the first step."""
    train(tmp_path, STEPS, 1)
    adam = dict(type='AdamW', lr=1.0)
    with pytest.raises(ValueError, match='`optim_wrapper` must have the optimizer'):
        train(tmp_path, STEPS, 2, optimizer=adam, resume=True)


def test_a_setting_that_is_the_same_is_left_alone_and_nothing_is_said(tmp_path, said):
    wanted = train(tmp_path / 'whole', COSINE, 6)
    train(tmp_path / 'part', COSINE, 3)
    assert train(tmp_path / 'part', COSINE, 6, resume=True) == wanted[12:]
    assert said == []


@pytest.mark.parametrize('schedule', [POLY_SOON, COSINE, STEPS, WARM])
@pytest.mark.parametrize('batch_size', [2, 4])
def test_the_rates_of_epochs_stay_if_epochs_get_another_length(
    schedule, batch_size, tmp_path
):
    wanted = train(tmp_path / 'whole', schedule, 6, batch_size=batch_size)
    train(tmp_path / 'part', schedule, 3)
    found = train(tmp_path / 'part', schedule, 6, batch_size=batch_size, resume=True)
    assert found == pytest.approx(wanted[-len(found) :])


def test_weights_without_optimizer_go_on_with_the_rates_of_their_iteration(tmp_path):
    wanted = train(tmp_path / 'whole', STEPS, 4)
    train(tmp_path / 'best', STEPS, 3)
    path = tmp_path / 'best' / 'epoch_3.pth'
    checkpoint = torch.load(path)
    del checkpoint['optimizer'], checkpoint['param_schedulers']
    torch.save(checkpoint, path)
    found = train(tmp_path / 'best', STEPS, 4, resume=True)
    assert found == pytest.approx(wanted[12:])


def test_a_rate_that_stays_at_zero_is_said(tmp_path, said):
    schedule = dict(POLY, end=2)
    train(tmp_path, schedule, 2)
    assert said == []
    train(tmp_path, schedule, 4, resume=True)
    (text,) = said
    assert 'the learning rate is 0 from iteration 10 of 16 on' in text


def test_a_test_has_no_schedules():
    # mmengine has the config of the optimizer there, which nothing builds.
    runner = SimpleNamespace(_train_loop={}, optim_wrapper={}, param_schedulers=None)
    ParamSchedulerHook().before_run(runner)
