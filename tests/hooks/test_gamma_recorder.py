from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from mmseg_cen.hooks import GammaRecorderHook
from mmseg_cen.hooks.gamma_recorder import RECORD, read_record
from mmseg_cen.models import ModalityBN


def train(model, hook, work_dir, start, stop):
    """Scaling factors are the number of steps taken."""
    runner = SimpleNamespace(
        model=model, work_dir=str(work_dir), iter=start, max_iters=10
    )
    hook.before_train(runner)
    for runner.iter in range(start, stop):
        nn.init.constant_(model[0].norm.weight, runner.iter + 1)
        hook.after_train_iter(runner, runner.iter)
    hook.before_save_checkpoint(runner, {})


@pytest.fixture
def model():
    return nn.Sequential(ModalityBN(3, 2, exchange_threshold=0.1), ModalityBN(3, 2))


def test_scaling_factors_of_exchanging_layers_are_kept_at_the_interval(model, tmp_path):
    train(model, GammaRecorderHook(4), tmp_path, 0, 10)
    record = read_record(tmp_path / RECORD)
    assert record.steps.tolist() == [0, 4, 8, 10]
    assert list(record.layers) == ['0']
    assert record.layers['0'].shape == (4, 2, 3)
    assert record.layers['0'][:, 0, 0].tolist() == [1, 4, 8, 10]
    assert record.layers['0'].dtype == np.float16
    assert (record.modalities, record.threshold) == (('0', '1'), 0.1)
    assert record.alone == ()


def test_streams_without_a_partner_exchange_nothing(tmp_path):
    """As in what the log and the penalty count: streams 0 and 1 exchange half."""
    groups = dict(type='GroupedExchange', groups=((0, 1), (2,)), threshold=0.1)
    model = nn.Sequential(ModalityBN(6, 3, exchange=groups))
    model[0].exchange.prepare(3, 6, 0)
    hook = GammaRecorderHook(4)
    train(model, hook, tmp_path, 0, 4)
    gamma = torch.ones(3, 6)
    gamma[0, 0] = gamma[1, 2] = 0
    gamma[2] = 0
    model[0].norm.weight.data.copy_(gamma.flatten())
    train(model, hook, tmp_path, 9, 9)
    record = read_record(tmp_path / RECORD)
    assert record.alone == (2,)
    assert record.exchanged('0')[-1].tolist() == [0.5, 0.5, 0]
    assert record.share == 0.5


def test_a_resumed_training_continues_the_record(model, tmp_path):
    train(model, GammaRecorderHook(2), tmp_path, 0, 7)
    with torch.no_grad():
        model[0].norm.weight.fill_(4)  # the checkpoint of step 4
    train(model, GammaRecorderHook(2), tmp_path, 4, 10)
    record = read_record(tmp_path / RECORD)
    assert record.steps.tolist() == [0, 2, 4, 6, 8, 10]
    assert record.layers['0'][:, 0, 0].tolist() == [1, 2, 4, 6, 8, 10]


def test_several_processes_continue_the_record_of_one(model, tmp_path):
    """Though they wrap each network of a translation on its own."""
    train(model, GammaRecorderHook(2), tmp_path, 0, 7)
    wrapped = nn.Sequential(nn.DataParallel(model[0]))
    runner = SimpleNamespace(
        model=wrapped, work_dir=str(tmp_path), iter=4, max_iters=10
    )
    hook = GammaRecorderHook(2)
    hook.before_train(runner)
    hook.before_save_checkpoint(runner, {})
    record = read_record(tmp_path / RECORD)
    assert record.steps.tolist() == [0, 2, 4]
    assert {name: len(values) for name, values in record.layers.items()} == {'0': 3}


@pytest.mark.parametrize('size', [0, 300])
def test_a_damaged_record_is_named_and_does_not_stop_a_training(model, size, tmp_path):
    train(model, GammaRecorderHook(2), tmp_path, 0, 7)
    path = tmp_path / RECORD
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=rf'got {path}, a damaged one'):
        read_record(path)
    train(model, GammaRecorderHook(2), tmp_path, 4, 10)
    assert read_record(path).steps.tolist() == [4, 6, 8, 10]


def test_an_interruption_while_writing_leaves_the_record(model, tmp_path, monkeypatch):
    def interrupted(file, **record):
        (file.write if hasattr(file, 'write') else file.write_bytes)(b'PK')
        raise KeyboardInterrupt

    train(model, GammaRecorderHook(2), tmp_path, 0, 7)
    monkeypatch.setattr(np, 'savez_compressed', interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(model, GammaRecorderHook(2), tmp_path, 4, 10)
    assert read_record(tmp_path / RECORD).steps.tolist() == [0, 2, 4, 6]


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="type='GammaRecorderHook'"):
        read_record(tmp_path / RECORD)
