from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from mmseg_cen.loops.schedules import stretch_schedules

POLY = dict(type='PolyLR', power=2.0, begin=1, end=6, eta_min=0.0)
COSINE = dict(type='CosineAnnealingLR', T_max=6, end=6)
STEPS = dict(type='MultiStepLR', milestones=[2, 3], gamma=0.1)


def rates(config, lengths, epochs=6):
    """The rate after each epoch; epochs have as many iterations as `lengths` say."""
    wrapper = OptimWrapper(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0))
    config = Config(dict(a=dict(by_epoch=True, convert_to_iter_based=True, **config))).a
    schedule = PARAM_SCHEDULERS.build(
        config, default_args=dict(optimizer=wrapper, epoch_length=lengths[0])
    )
    runner = SimpleNamespace(
        cfg=dict(param_scheduler=[config]), param_schedulers=[schedule]
    )
    found, length = [], lengths[0]
    for now in lengths:
        if now != length:
            stretch_schedules(runner, length, now)
            length = now
        for _ in range(now):
            wrapper.optimizer.step()
            schedule.step()
        found += wrapper.get_lr()['lr']
    return found


@pytest.mark.parametrize('config', [POLY, COSINE, STEPS])
@pytest.mark.parametrize('now', [2, 16])
def test_the_rates_of_epochs_stay_if_epochs_get_another_length(config, now):
    wanted = rates(config, [8] * 6)
    found = rates(config, [8, 8] + [now] * 4)
    assert found == pytest.approx(wanted, abs=0.05)


def test_schedules_in_iterations_and_in_epochs_are_left_alone():
    for options in (dict(by_epoch=False), dict(by_epoch=True)):
        schedule = SimpleNamespace(begin=0, end=6, last_step=3)
        runner = SimpleNamespace(
            cfg=dict(param_scheduler=dict(type='PolyLR', **options)),
            param_schedulers=[schedule],
        )
        stretch_schedules(runner, 8, 2)
        assert (schedule.end, schedule.last_step) == (6, 3)
