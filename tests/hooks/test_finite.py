from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import BaseDataElement
from torch import nn

from mmseg_cen.hooks import FiniteLossHook, finite
from mmseg_cen.hooks.finite import first_infinite_layer, not_finite, weights_of
from mmseg_cen.modes import compile_network


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


class Network(nn.Module):
    """The second layer divides by the input."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(1, 1), Inverse()

    def forward(self, inputs, data_samples=None, mode='loss'):
        return {'loss_task': self.second(self.first(inputs) * inputs).mean()}


class Inverse(nn.Module):
    def forward(self, x):
        return 1 / x


@pytest.fixture
def runner():
    return SimpleNamespace(model=Network(), iter=6, max_iters=100)


def samples(*names):
    return [BaseDataElement(metainfo=dict(img_path=name)) for name in names]


def train_iter(hook, runner, value, names=('a.png', 'b.png')):
    batch = dict(inputs=torch.tensor([[value]]), data_samples=samples(*names))
    outputs = runner.model(**batch, mode='loss')
    hook.after_train_iter(runner, 0, batch, outputs)
    runner.iter += 1


def test_the_error_names_iteration_samples_and_layer_before_weights_change(runner):
    hook = FiniteLossHook()
    hook.before_train(runner)
    train_iter(hook, runner, 1.0)
    told = r'at iteration 8; samples: a\.png, b\.png; .* of the Inverse second: the tr'
    with pytest.raises(ValueError, match=told):
        train_iter(hook, runner, 0.0)
    hook.after_train(runner)
    runner.model(torch.zeros(1, 1), mode='loss')


def test_the_first_of_several_iterations_that_are_not_finite_is_named(runner):
    hook = FiniteLossHook(interval=4)
    hook.before_train(runner)
    runner.iter = 4
    train_iter(hook, runner, 1.0)
    train_iter(hook, runner, 0.0, names=['cause.png'])
    train_iter(hook, runner, 0.0)
    with pytest.raises(ValueError, match=r'at iteration 6; samples: cause\.png'):
        train_iter(hook, runner, 0.0)


def test_inputs_that_are_not_finite_are_told(runner):
    nan = torch.tensor([[float('nan')]])
    assert first_infinite_layer(runner.model, (nan,), {}).startswith('the inputs')
    assert first_infinite_layer(runner.model, (), dict(inputs=nan))[:10] == 'the inputs'
    assert 'of all layers are finite' in first_infinite_layer(
        runner.model, (torch.ones(1, 1),), {}
    )


def test_all_losses_since_the_last_check_are_looked_at_before_a_checkpoint(runner):
    hook = FiniteLossHook(50)
    hook.before_train(runner)
    train_iter(hook, runner, 1.0)
    train_iter(hook, runner, 0.0, ['c.png'])
    train_iter(hook, runner, 1.0)
    with pytest.raises(ValueError, match=r'at iteration 8; samples: c\.png: the tr'):
        hook.before_save_checkpoint(runner, {})


def scaled(runner):
    scaler = SimpleNamespace(is_enabled=lambda: True)
    runner.optim_wrapper = SimpleNamespace(loss_scaler=scaler)


def test_steps_that_a_loss_scaler_skips_do_not_end_a_training(runner):
    scaled(runner)
    hook = FiniteLossHook()
    hook.before_train(runner)
    for value in (1.0, 0.0, 0.0, 1.0) * 20:
        train_iter(hook, runner, value)
    for _ in range(49):
        train_iter(hook, runner, 0.0)
    with pytest.raises(ValueError, match='at iteration 136'):
        train_iter(hook, runner, 0.0)


def test_statistics_that_are_lost_end_a_scaled_training(runner):
    scaled(runner)
    runner.model.norm = nn.BatchNorm1d(1)
    nn.init.constant_(runner.model.norm.running_var, float('inf'))
    assert not_finite(weights_of(runner.model)) == ['norm.running_var']
    hook = FiniteLossHook()
    hook.before_train(runner)
    with pytest.raises(ValueError, match='at iteration 7'):
        train_iter(hook, runner, 0.0)


def test_weights_have_their_names_in_a_checkpoint():
    """Several processes wrap each network of a translation on its own."""
    model = nn.Module()
    model.generator = nn.DataParallel(nn.BatchNorm1d(2))
    names = ('weight', 'bias', 'running_mean', 'running_var')
    assert [*weights_of(model)] == [f'generator.{name}' for name in names]


def test_the_layer_is_found_within_compiled_code():
    model = nn.Sequential()
    model.add_module('backbone', nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    compile_network(model, dict(backend='eager'))
    x = torch.ones(1, 2)
    model(x)
    nn.init.constant_(model.backbone[1].bias, torch.inf)
    assert first_infinite_layer(model, (x,), {}).endswith('of the Linear backbone.1')


def test_a_process_does_not_run_synchronized_layers_alone(runner, monkeypatch):
    """The others would never answer it."""
    runner.model.norm = nn.SyncBatchNorm(1)
    monkeypatch.setattr(finite, 'is_distributed', lambda: True)
    monkeypatch.setattr(finite, 'first_infinite_layer', lambda *_: 'run again')
    hook = FiniteLossHook()
    hook.before_train(runner)
    with pytest.raises(ValueError, match='losses must be finite') as error:
        train_iter(hook, runner, 0.0)
    assert 'run again' not in str(error.value)
    del runner.model.norm
    with pytest.raises(ValueError, match='run again'):
        train_iter(hook, runner, 0.0)
