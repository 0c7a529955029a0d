import json

import pytest
import torch
from controlling import capacity, training
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS


@pytest.fixture
def small(narrow_config, tmp_path):
    """A config of epochs, with two samples and a network of an eighth of the width."""
    path = tmp_path / 'small.py'
    path.write_text(
        f'_base_ = {str(narrow_config)!r}\n'
        'dataset = dict(num_samples=2)\n'
        'train_dataloader = dict(dataset=dataset, batch_size=2)\n'
        'val_dataloader = dict(dataset=dataset)\n'
        'test_dataloader = dict(dataset=dataset)\n'
        "train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=1)\n"
        "log_level = 'WARNING'\n"
    )
    return path


def weights_of(cfg, path):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
        elif name.endswith('conv_seg'):  # predictions of all classes
            module.weight.data = torch.randn(module.weight.shape)
    with torch.no_grad():
        model.train()(torch.randn(8, model.backbone.packed_channels, 32, 48))
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


@pytest.fixture
def run(load_tool, capsys):
    def run(*args):
        load_tool('analysis/controls.py').main([*map(str, args)])
        return capsys.readouterr().out

    return run


def test_a_checkpoint_is_tested_with_each_control(run, small, tmp_path):
    checkpoint = weights_of(Config.fromfile(small), tmp_path / 'weights.pth')
    text = run(
        small, checkpoint, '--out', tmp_path / 'out', '--shift', '2',
        '--controls', 'copy', 'other', 'shift',
    )  # fmt: skip
    assert '| rgb twice |' in text
    written = json.loads((tmp_path / 'out/tested.json').read_text())
    assert [*written['controls']] == ['real', 'copy', 'other', 'shift_2']
    (real,) = written['controls']['real']['figures']
    assert len(real['iou']['ensemble']) == len(real['classes']) == 13
    assert {*real['miou']} == {'rgb', 'depth', 'ensemble'}
    figures = [c['figures'][0]['miou'] for c in written['controls'].values()]
    assert len({f['depth'] for f in figures}) > 1


def test_each_control_is_trained_once_and_tested(run, small, tmp_path, monkeypatch):
    trained = []

    def cost_of(cfg):
        return len(cfg.model.modalities) * cfg.model.backbone.base_channels**2

    def train(tasks, jobs):
        for task in tasks:
            assert task.cfg.optim_wrapper.dtype == 'bf16'
            assert task.cfg.custom_hooks[-1].channels_last
            trained.append((task.row.name, task.seed, task.cfg.randomness.seed))
            task.work_dir.mkdir(parents=True)
            weights_of(task.cfg, task.work_dir / 'epoch_1.pth')
            last = task.work_dir / 'last_checkpoint'
            last.write_text(str(task.work_dir / 'epoch_1.pth'))

    monkeypatch.setattr(training, 'train', train)
    monkeypatch.setattr(training, 'is_finished', lambda _: True)
    monkeypatch.setattr(capacity, 'cost', lambda cfg, _: (cost_of(cfg), 1))
    monkeypatch.setattr(training, 'cost', lambda cfg, _: (cost_of(cfg), 1))
    text = run(
        small, '--train', '--out', tmp_path / 'out', '--controls', 'noise', 'wide',
        '--size', '32', '48', '--seeds', '3', '4', '3', '--amp', 'bf16',
        '--channels-last',
    )  # fmt: skip
    names = ('real', 'noise', 'wide')
    assert trained == [(name, seed, seed) for seed in (3, 4) for name in names]
    assert 'gains' in text
    assert 'trained for each line, 2 seeds: ' in text
    assert 'multiplications at 32x48, G' in text
    written = json.loads((tmp_path / 'out/trained.json').read_text())
    assert {*written['controls']['wide']['figures'][1]['miou']} == {'rgb', 'ensemble'}


def test_trainings_that_did_not_finish_are_named(
    error_of, small, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, 'train', lambda *_: {})
    line = error_of(
        'analysis/controls.py', small, '--train', '--controls', 'copy',
        '--out', tmp_path, '--size', '32', '48',
    )  # fmt: skip
    assert line.startswith('error: all trainings must finish, got 2 that did not')


@pytest.mark.parametrize('wrong', ['cost', 'data'])
def test_what_is_needed_behind_the_trainings_is_tried_before_them(
    error_of, small, tmp_path, monkeypatch, wrong
):
    def fail(*args):
        raise ValueError('the width must be another')

    monkeypatch.setattr(training, 'train', lambda *_: pytest.fail('it trains'))
    options = ()
    if wrong == 'cost':
        monkeypatch.setattr(training, 'cost', fail)
    else:
        options = ('--cfg-options', 'test_dataloader.dataset.pipeline.1.type=NoSuch')
    line = error_of(
        'analysis/controls.py', small, '--train', '--controls', 'copy',
        '--out', tmp_path, '--size', '32', '48', *options,
    )  # fmt: skip
    assert ('NoSuch' if wrong == 'data' else 'must be another') in line


def test_data_that_do_not_load_one_modality_are_refused_before_a_training(
    error_of, small, tmp_path
):
    (tmp_path / 'list.txt').write_text('a.png b.png c.png\n')
    text = small.read_text().replace(
        'dataset = dict(num_samples=2)',
        f"""
dataset = dict(
    _delete_=True, type='MultimodalSegDataset', data_root={str(tmp_path)!r},
    ann_file='list.txt', modalities=('rgb', 'depth'),
    data_prefix=dict(seg_map_path=''), metainfo=dict(classes=('a', 'b')),
    pipeline=[dict(type='LoadModalities'), dict(type='LoadAnnotations')],
)""",
    )
    (tmp_path / 'columns.py').write_text(text)
    line = error_of(
        'analysis/controls.py', tmp_path / 'columns.py', '--train',
        '--controls', 'single', '--out', tmp_path / 'out',
    )  # fmt: skip
    assert line.startswith('error: the data must load one modality alone for the')
    assert 'columns' in line


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'give either a checkpoint, to test it, or --train, got neither'),
        (['a.pth', '--train'], 'got both'),
        (['a.pth', '--controls', 'wide'], 'add --train'),
        (['--train', '--shift', '0'], '`--shift` must be distinct'),
        (['--train', '--jobs', '0'], '`--jobs` and `--size` must be'),
    ],
)
def test_options_that_contradict_are_refused(load_tool, capsys, options, message):
    tool = load_tool('analysis/controls.py')
    with pytest.raises(SystemExit):
        tool.parse_args(['config.py', *options])
    assert message in capsys.readouterr().err


def test_what_has_no_controls_is_refused(error_of, small, config, tmp_path):
    line = error_of('analysis/controls.py', config, '--train', '--out', tmp_path)
    assert line.startswith('error: `train_cfg` must count epochs')
    options = (__file__, '--out', tmp_path, '--modality', 'lidar')
    line = error_of('analysis/controls.py', small, *options)
    assert "('rgb', 'depth'), got 'lidar' and 'rgb'" in line
    line = error_of(
        'analysis/controls.py', small, 'no.pth', '--out', tmp_path,
        '--cfg-options', 'test_evaluator.type=IoUMetric',
    )  # fmt: skip
    assert line.startswith('error: `test_evaluator` must have one StreamIoUMetric')
