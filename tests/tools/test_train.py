from urllib.error import URLError

import pytest
import torch
from mmengine.config import Config
from torch.testing import assert_close


def test_a_missing_file_ends_in_one_line(error_of, config):
    line = error_of('train.py', 'nowhere.py')
    assert line.startswith("error: the config must be a file, got 'nowhere.py'")
    line = error_of('train.py', config, '--resume', 'no.pth')
    assert line.startswith("error: the checkpoint must be a file, got 'no.pth'")


def test_epochs_without_a_batch_are_refused(error_of, config, tmp_path):
    path = tmp_path / 'epochs.py'
    path.write_text(f"""
_base_ = {str(config)!r}
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=1)
train_dataloader = dict(
    batch_size=9, drop_last=True, sampler=dict(type='DefaultSampler')
)
""")
    line = error_of('train.py', path, '--work-dir', tmp_path)
    assert 'error: an epoch must have a batch, got 8 samples for batches of 9' in line


@pytest.mark.slow
def test_training_continues_where_it_was_stopped(
    tool, config, trained, weights, tmp_path
):
    options = ['--work-dir', tmp_path, '--cfg-options']
    code, output = tool('train.py', config, *options, 'train_cfg.max_iters=2')
    assert code == 0, output
    code, output = tool(
        'train.py', config, '--resume', *options, 'train_cfg.max_iters=4'
    )
    assert code == 0, output
    assert_close(weights(tmp_path, 4), weights(trained, 4), rtol=0, atol=0)


@pytest.fixture
def cfg():
    optimizer = dict(type='OptimWrapper', optimizer=dict(type='SGD'))
    return Config(dict(work_dir='nowhere', optim_wrapper=optimizer))


def test_a_work_directory_without_checkpoint_leaves_the_start_as_it_is(
    load_tool, cfg, tmp_path
):
    train = load_tool('train.py')
    cfg.load_from = str(tmp_path / 'start.pth')
    (tmp_path / 'start.pth').touch()
    before = cfg.to_dict()
    train.select_checkpoint(cfg, 'auto')
    assert cfg.to_dict() == before
    train.select_checkpoint(cfg, None)
    assert cfg.to_dict() == before


def test_a_config_that_resumes_is_checked_as_the_option_is(load_tool, cfg, tmp_path):
    """mmengine loads what fits of a checkpoint of another model, and goes on."""
    train = load_tool('train.py')
    cfg.work_dir, cfg.resume = str(tmp_path), True
    train.select_checkpoint(cfg, None)
    assert cfg.get('load_from') is None, 'there is none yet'
    torch.save({}, tmp_path / 'iter_2.pth')
    train.select_checkpoint(cfg, None)
    assert cfg.load_from == str(tmp_path / 'iter_2.pth')
    assert cfg.resume


def test_a_mode_that_is_not_to_be_had_is_refused_before_work_begins(
    error_of, config, monkeypatch, tmp_path
):
    line = error_of('train.py', config, '--amp', 'fp16', '--work-dir', tmp_path)
    assert line.startswith("error: `--amp` must be bf16 on a CPU, got 'fp16'")
    monkeypatch.setenv('CXX', 'no-such-compiler')
    line = error_of('train.py', '--amp', config, '--compile', '--work-dir', tmp_path)
    assert line.startswith('error: `compile` must have a compiler of C++')


def test_weights_that_cannot_be_had_are_refused_before_data_are_looked_for(
    error_of, config, tmp_path, monkeypatch
):
    def unreachable(*args, **kwargs):
        raise URLError('Name or service not known')

    monkeypatch.setattr(
        'mmseg_cen.checkpoints.reading.load_state_dict_from_url', unreachable
    )
    start = 'model.backbone.init_cfg.type=Pretrained'
    address = 'model.backbone.init_cfg.checkpoint=https://a.b/resnet18.pth'
    no_data = 'train_dataloader.dataset.type=NoSuchDataset'
    options = ('--work-dir', tmp_path, '--cfg-options', start, address, no_data)
    line = error_of('train.py', config, *options)
    assert line.startswith('error: weights to start from must be a file, or be downl')
