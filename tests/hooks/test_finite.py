from types import SimpleNamespace

import pytest
import torch

from mmseg_cen.hooks import FiniteLossHook


def look(value, iteration=0, max_iters=100, interval=2, name='loss_task'):
    losses = {'loss': torch.tensor(1.0), name: torch.tensor(value)}
    runner = SimpleNamespace(iter=iteration, max_iters=max_iters)
    FiniteLossHook(interval).after_train_iter(runner, 0, outputs=losses)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_a_loss_that_is_no_number_ends_the_training(value):
    with pytest.raises(ValueError, match=r"got \{'loss_task': -?\w+\} at iteration 2"):
        look(value, iteration=1)


def test_finite_losses_and_other_values_pass():
    look(3e38, iteration=1)
    look(float('nan'), iteration=1, name='accuracy')


def test_losses_are_looked_at_every_interval_and_at_the_end():
    look(float('nan'), iteration=2)
    with pytest.raises(ValueError, match=r'at iteration 3: .* diverged'):
        look(float('nan'), iteration=2, max_iters=3)


def test_an_interval_of_zero_is_refused():
    with pytest.raises(ValueError, match='at least 1, got 0'):
        FiniteLossHook(0)
