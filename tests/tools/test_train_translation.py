"""Training and testing of a translation by the command line tools."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.testing import assert_close

ROOT = Path(__file__).parents[2]
SIZE = 32

CONFIG = f"""
_base_ = [
    {str(ROOT / 'configs/_base_/default_runtime.py')!r},
    {str(ROOT / 'configs/translation/_base_/models/cen_pix2pix.py')!r},
    {str(ROOT / 'configs/translation/_base_/schedules/pix2pix_300e.py')!r},
]
model = dict(
    generator=dict(num_downs=4, base_channels=4, exchange_threshold=0.999),
    discriminator=dict(base_channels=4, num_strided=2),
)
dataset = dict(
    type='MultimodalTranslationDataset',
    data_root=DATA_ROOT,
    sources=('shade', 'texture'),
    target='rgb',
    domains=dict(shade=dict(dtype='uint8'), texture=dict(dtype='uint8'), rgb=dict()),
    pipeline=[
        dict(type='LoadDomains'),
        dict(type='RandomFlip', prob=FLIP),
        dict(type='PackTranslationInputs'),
    ],
)
train_dataloader = dict(
    batch_size=2,
    sampler=dict(type='DefaultSampler', shuffle=FLIP > 0),
    dataset=dataset,
)
val_dataloader = dict(
    batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='TranslationMetric')]
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=2, val_interval=2)
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, end=4,
                       by_epoch=False)
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(by_epoch=False, interval=1, save_best=None, max_keep_ckpts=-1),
)
"""


def run(*command):
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            'OMP_NUM_THREADS': '1',
            'PYTHON': sys.executable,
            'PYTHONPATH': str(ROOT),
        },
    )


def tool(name, *args):
    result = run(sys.executable, ROOT / 'tools' / name, *args)
    return result.returncode, result.stdout + result.stderr


def checkpoint(work_dir, iteration):
    return torch.load(work_dir / f'iter_{iteration}.pth', map_location='cpu')


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    """Four samples of three aligned domains."""
    root = tmp_path_factory.mktemp('translation')
    rng = np.random.default_rng(0)
    for domain, shape in [('shade', ()), ('texture', ()), ('rgb', (3,))]:
        (root / domain).mkdir()
        for stem in '0123':
            image = rng.integers(0, 256, (SIZE, SIZE, *shape), np.uint8)
            assert cv2.imwrite(str(root / domain / f'{stem}.png'), image)
    return root


@pytest.fixture(scope='module')
def config(data_root, tmp_path_factory):
    """All that is random, and Adam."""
    path = tmp_path_factory.mktemp('random') / 'tiny.py'
    path.write_text(
        CONFIG.replace('DATA_ROOT', repr(str(data_root))).replace('FLIP', '0.5')
    )
    return path


@pytest.fixture(scope='module')
def trained(config):
    """Work directory of a training of two epochs of two iterations."""
    work_dir = config.parent / 'trained'
    code, output = tool('train.py', config, '--work-dir', work_dir)
    assert code == 0, output
    return work_dir


@pytest.mark.slow
def test_training_ends_when_a_loss_is_no_number(config, tmp_path):
    code, output = tool(
        'train.py', config, '--work-dir', tmp_path,
        '--cfg-options', 'optim_wrapper.generator.optimizer.lr=1e30',
        'custom_hooks.3.interval=1',
    )  # fmt: skip
    assert code == 1
    assert 'training has diverged: at iteration' in output
    assert not [*tmp_path.glob('iter_2.pth')]


@pytest.mark.slow
def test_every_loss_is_logged(trained):
    logs = [
        json.loads(line)
        for line in next(trained.rglob('scalars.json')).read_text().splitlines()
    ]
    train = [log for log in logs if 'loss' in log]
    assert len(train) == 4
    sources = ('shade', 'texture')
    assert set(train[0]) >= {
        *(f'loss_gan_{name}' for name in sources),
        *(f'loss_l1_{name}' for name in (*sources, 'ensemble')),
        *('loss_sparsity', 'loss_d', 'loss_d_real', 'loss_d_fake'),
        *(f'exchange/{name}/own' for name in sources),
        *(f'alpha/{name}' for name in sources),
        *('generator.lr', 'discriminator.lr'),
    }
    assert train[-1]['generator.lr'] < train[0]['generator.lr']
    assert {'MAE', 'shade/MAE', 'texture/MAE'} <= set(logs[-1])


@pytest.mark.slow
@pytest.mark.parametrize('stopped', [1, 2], ids=['in an epoch', 'after an epoch'])
def test_training_continues_where_it_was_stopped(stopped, config, trained, tmp_path):
    saved = trained / f'iter_{stopped}.pth'
    code, output = tool(
        'train.py', config, '--work-dir', tmp_path, '--resume', saved
    )  # fmt: skip
    assert code == 0, output
    resumed, unbroken = checkpoint(tmp_path, 4), checkpoint(trained, 4)
    assert_close(resumed['state_dict'], unbroken['state_dict'], rtol=0, atol=0)
    for part in ('generator', 'discriminator'):
        ours, theirs = (c['optimizer'][part]['state'] for c in (resumed, unbroken))
        assert ours
        assert_close(ours, theirs, rtol=0, atol=0)
    before = checkpoint(trained, stopped)['state_dict']
    changed = [n for n, t in unbroken['state_dict'].items() if not t.equal(before[n])]
    assert {name.split('.')[0] for name in changed} == {'generator', 'discriminator'}


@pytest.mark.slow
def test_testing_measures_and_saves_every_stream(config, trained, tmp_path):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path / 'work',
        '--out', tmp_path / 'out', '--show-dir', tmp_path / 'pictures',
    )  # fmt: skip
    assert code == 0, output
    figures = json.loads(next((tmp_path / 'work').rglob('2*.json')).read_text())
    assert {'MAE', 'shade/MAE', 'texture/MAE'} <= set(figures)
    for stream in ('shade', 'texture', 'ensemble'):
        assert len([*(tmp_path / 'out' / stream).rglob('*.png')]) == 4
    assert len([*(tmp_path / 'pictures').rglob('*.png')]) == 4


@pytest.mark.slow
def test_a_checkpoint_of_another_width_is_refused(config, trained, tmp_path):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path,
        '--cfg-options', 'model.generator.base_channels=6',
    )  # fmt: skip
    assert code == 1
    assert 'is a checkpoint of another model' in output
    assert 'Traceback' not in output


@pytest.mark.slow
@pytest.mark.parametrize('options', [['--subsets'], ['--absent', 'depth']])
def test_sources_of_a_translation_cannot_be_absent(config, trained, tmp_path, options):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path, *options
    )
    assert code == 1
    assert f"error: {options[0]} is for a model of type 'CENSegmentor'" in output
    assert 'Traceback' not in output


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() == 1, reason='needs no GPU or two')
def test_two_processes_train_like_one_on_the_same_batch(data_root, tmp_path):
    config = tmp_path / 'plain.py'
    text = CONFIG.replace('DATA_ROOT', repr(str(data_root))).replace('FLIP', '0.0')
    # Adam makes steps of equal length of gradients that are rounding errors, as are
    # those of a bias before an instance norm.
    sgd = """
model['generator']['dropout'] = 0
optim_wrapper = dict(_delete_=True, constructor='OptimWrapperDictConstructor', **{
    part: dict(optimizer=dict(type='SGD', lr=1e-2, momentum=0.9))
    for part in ('generator', 'discriminator')
})
"""
    config.write_text(text + sgd)
    code, output = tool('train.py', config, '--work-dir', tmp_path / 'one')
    assert code == 0, output
    result = run(
        'bash', ROOT / 'tools/dist_train.sh', config, '2',
        '--work-dir', tmp_path / 'two',
        '--cfg-options', 'train_dataloader.batch_size=1',
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    for iteration in (1, 4):
        one, two = (
            checkpoint(tmp_path / name, iteration)['state_dict']
            for name in ('one', 'two')
        )
        assert_close(two, one, rtol=1e-4, atol=1e-5)
    result = run(
        'bash', ROOT / 'tools/dist_test.sh', config, tmp_path / 'two/iter_4.pth', '2',
        '--work-dir', tmp_path / 'test',
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    code, output = tool(
        'train.py', config, '--work-dir', tmp_path / 'two', '--resume',
        '--cfg-options', 'train_cfg.max_epochs=3',
    )  # fmt: skip
    assert code == 0, output
