"""The command line tools, run as a user runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from torch.testing import assert_close

ROOT = Path(__file__).parents[1]
SCRIPTS = [*sorted((ROOT / 'tools').glob('*.sh')), ROOT / '.ci' / 'run']

CONFIG = f"""
_base_ = {str(ROOT / 'configs/_base_/default_runtime.py')!r}
randomness = dict(seed=0)
modalities = ('rgb', 'depth')
pipeline = [dict(type='LoadSyntheticRoom'), dict(type='PackMultimodalInputs')]
dataset = dict(
    type='SyntheticRGBDDataset', num_samples=8, image_size=(32, 48), pipeline=pipeline
)
train_dataloader = dict(
    batch_size=4, sampler=dict(type='InfiniteSampler', shuffle=False), dataset=dataset
)
val_dataloader = dict(
    batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset
)
test_dataloader = val_dataloader
tta_pipeline = [
    dict(type='LoadSyntheticRoom'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale_factor=r, keep_ratio=True) for r in (1.0, 0.5)],
            [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
            [dict(type='PackMultimodalInputs')],
        ],
    ),
]
model = dict(
    type='CENSegmentor',
    data_preprocessor=dict(
        type='MultimodalPreprocessor',
        modalities=dict(
            rgb=dict(mean=[127.5] * 3, std=[60.0] * 3, bgr_to_rgb=True),
            depth=dict(mean=[3.0], std=[1.5]),
        ),
        size=(32, 48),
    ),
    backbone=dict(
        type='CENResNet', depth=18, num_modalities=2, exchange_threshold=2e-2
    ),
    decode_head=dict(
        type='EnsembleHead',
        modalities=modalities,
        head=dict(
            type='FCNHead',
            in_channels=512,
            channels=16,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=13,
            norm_cfg=dict(type='BN'),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss'),
        ),
    ),
    test_cfg=dict(mode='whole'),
)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9)
)
sync_bn = 'torch'
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
)
log_processor = dict(by_epoch=False)
"""


def run(*command, **variables):
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            'OMP_NUM_THREADS': '1',
            'PYTHON': sys.executable,
            **variables,
        },
    )


def tool(name, *args):
    result = run(sys.executable, ROOT / 'tools' / name, *args)
    return result.returncode, result.stdout + result.stderr


def weights(work_dir, iteration):
    return torch.load(work_dir / f'iter_{iteration}.pth', map_location='cpu')[
        'state_dict'
    ]


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp('tools') / 'tiny.py'
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope='module')
def trained(config):
    """Work directory of a training run of four iterations."""
    work_dir = config.parent / 'trained'
    code, output = tool('train.py', config, '--work-dir', work_dir)
    assert code == 0, output
    return work_dir


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_valid_bash(script):
    assert run('bash', '-n', script).returncode == 0


@pytest.mark.parametrize(
    ('script', 'usage'),
    [('dist_train.sh', 'CONFIG GPUS'), ('dist_test.sh', 'CONFIG CHECKPOINT GPUS')],
)
def test_a_script_without_arguments_tells_its_usage(script, usage):
    result = run('bash', ROOT / 'tools' / script)
    assert result.returncode == 2
    assert usage in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['train.py', 'nowhere.py'], "The config 'nowhere.py' does not exist"),
        (
            ['train.py', '{config}', '--resume', 'no.pth'],
            "checkpoint 'no.pth' does not",
        ),
        (['test.py', '{config}', 'no.pth'], "The checkpoint 'no.pth' does not exist"),
    ],
)
def test_a_missing_file_ends_in_one_line(args, message, config):
    code, output = tool(*(arg.format(config=config) for arg in args))
    assert code == 1
    assert 'error: ' in output
    assert message in output
    assert 'Traceback' not in output


@pytest.mark.slow
def test_epochs_without_a_batch_are_refused(config, tmp_path):
    path = tmp_path / 'epochs.py'
    path.write_text(f"""
_base_ = {str(config)!r}
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=1)
train_dataloader = dict(
    batch_size=9, drop_last=True, sampler=dict(type='DefaultSampler')
)
""")
    code, output = tool('train.py', path, '--work-dir', tmp_path)
    assert code == 1
    assert 'got 8 samples for batches of 9' in output
    assert 'Traceback' not in output


@pytest.mark.slow
def test_a_checkpoint_of_another_model_is_refused(config, trained, tmp_path):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path,
        '--cfg-options', 'model.decode_head.head.channels=24',
    )  # fmt: skip
    assert code == 1
    assert 'is a checkpoint of another model' in output
    assert 'Traceback' not in output


@pytest.mark.slow
def test_training_continues_where_it_was_stopped(config, trained, tmp_path):
    options = ['--work-dir', tmp_path, '--cfg-options']
    code, output = tool('train.py', config, *options, 'train_cfg.max_iters=2')
    assert code == 0, output
    code, output = tool(
        'train.py', config, '--resume', *options, 'train_cfg.max_iters=4'
    )
    assert code == 0, output
    assert_close(weights(tmp_path, 4), weights(trained, 4), rtol=0, atol=0)


@pytest.mark.slow
def test_testing_reports_every_stream_and_saves_predictions_and_pictures(
    config, trained, tmp_path
):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path / 'work',
        '--out', tmp_path / 'out', '--show-dir', tmp_path / 'pictures',
    )  # fmt: skip
    assert code == 0, output
    figures = json.loads(next((tmp_path / 'work').rglob('2*.json')).read_text())
    assert {'rgb/mIoU', 'depth/mIoU', 'mIoU'} <= set(figures)
    names = [f'room_0_{k:06d}.png' for k in range(8)]
    for folder in ('out', 'pictures'):
        assert sorted(p.name for p in (tmp_path / folder).iterdir()) == names
    prediction = cv2.imread(str(tmp_path / 'out' / names[0]), cv2.IMREAD_UNCHANGED)
    assert prediction.shape == (32, 48)
    assert prediction.max() < 13


@pytest.mark.slow
def test_test_time_augmentation_keeps_every_stream(config, trained, tmp_path):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path / 'work',
        '--tta', '--show-dir', tmp_path / 'pictures', '--show-interval', '4',
    )  # fmt: skip
    assert code == 0, output
    figures = json.loads(next((tmp_path / 'work').rglob('2*.json')).read_text())
    assert {'rgb/mIoU', 'depth/mIoU', 'mIoU'} <= set(figures)
    assert len(list((tmp_path / 'pictures').iterdir())) == 2


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() == 1, reason='needs no GPU or two')
def test_two_processes_train_and_test_like_one(config, trained, tmp_path):
    result = run(
        'bash', ROOT / 'tools/dist_train.sh', config, '2', '--work-dir', tmp_path,
        '--cfg-options', 'train_dataloader.batch_size=2',
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    # Later on a channel whose gamma is next to the threshold may decide otherwise.
    assert_close(weights(tmp_path, 2), weights(trained, 2), rtol=1e-4, atol=1e-5)
    result = run(
        'bash', ROOT / 'tools/dist_test.sh', config, tmp_path / 'iter_4.pth', '2',
        '--work-dir', tmp_path / 'test', '--out', tmp_path / 'out',
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / 'out').iterdir())) == 8


def test_modalities_can_be_left_out_of_a_test(config, trained):
    command = ['test.py', config, trained / 'iter_4.pth', '--work-dir', trained]
    code, output = tool(*command, '--absent', 'thermal')
    assert code == 1
    assert "error: `absent` names modalities out of ('rgb', 'depth'), got" in output


@pytest.mark.slow
def test_each_subset_of_the_modalities_is_tested(config, trained, tmp_path):
    command = ['test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path]
    code, output = tool(*command, '--subsets', '--tta')
    assert code == 0, output
    (path,) = tmp_path.glob('*/*.json')
    metrics = json.loads(path.read_text())
    code, output = tool(*command, '--absent', 'depth', '--tta')
    assert code == 0, output
    path = max(tmp_path.glob('*/*.json'))
    assert json.loads(path.read_text())['mIoU'] == metrics['rgb/mIoU']
    assert 'rgb+depth/depth/mIoU' in metrics
