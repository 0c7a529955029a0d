"""tools/train.py, test.py and loss_curves.py on a translation, as a user runs them."""

import json
import shutil
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
sources = ('rgb', 'edge')
model = dict(
    sources=sources,
    generator=dict(
        out_channels=1, num_downs=4, base_channels=4, exchange_threshold=0.999
    ),
    discriminator=dict(in_channels=4, base_channels=4, num_strided=2),
)
dataset = dict(
    type='MultimodalTranslationDataset',
    data_root=DATA_ROOT,
    sources=sources,
    target='depth',
    domains=dict(
        rgb={{}},
        edge=dict(dtype='uint8'),
        depth=dict(dtype='uint16', scale=1e-3, nodata=(0,), range=(0.0, 10.0)),
    ),
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
dataset = dict(dataset, pipeline=[
    dict(type='LoadDomains'), dict(type='PackTranslationInputs')
])
val_dataloader = dict(
    batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='TranslationMetric'),
    dict(type='TranslationMetric', value_range='physical', unit='m', measures=['MAE']),
    dict(type='GenerativeMetric', weights='nowhere.pth'),
]
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=2, val_interval=2)
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, end=4,
                       by_epoch=False)
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(
        by_epoch=False, interval=1, save_best='FID', rule='less', max_keep_ckpts=-1
    ),
)
"""
NAMES = ['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png']


def checkpoint(work_dir, iteration):
    return torch.load(work_dir / f'iter_{iteration}.pth', map_location='cpu')


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    return image


def scalars(work_dir):
    """What a training has logged, in order."""
    lines = next(work_dir.rglob('scalars.json')).read_text().splitlines()
    return [json.loads(line) for line in lines]


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*.png'))


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    """Four samples, of which two have equal names; some of the depth is unknown."""
    root = tmp_path_factory.mktemp('translation')
    rng = np.random.default_rng(0)
    for domain, shape, dtype, high in (
        ('rgb', (SIZE, SIZE, 3), np.uint8, 256),
        ('edge', (SIZE, SIZE), np.uint8, 256),
        ('depth', (SIZE, SIZE), np.uint16, 10000),
    ):
        for name in NAMES:
            path = root / domain / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = rng.integers(1, high, shape, dtype)
            if domain == 'depth':
                image[:3, :3] = 0
            assert cv2.imwrite(str(path), image)
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
def trained(config, tool):
    """Work directory of a training of two epochs of two iterations."""
    work_dir = config.parent / 'trained'
    code, output = tool('train.py', config, '--work-dir', work_dir)
    assert code == 0, output
    (work_dir / 'output.txt').write_text(output)
    return work_dir


@pytest.mark.slow
def test_missing_weights_of_fid_are_announced_at_once_and_stop_no_training(trained):
    """Even if the best checkpoint is to be chosen by FID."""
    output = (trained / 'output.txt').read_text()
    announced = output.index('FID and KID are not computed')
    assert announced < output.index('Epoch(train) [1][1/2]')
    assert (trained / 'iter_4.pth').is_file()


@pytest.mark.slow
def test_training_ends_when_a_loss_is_no_number(tool, config, tmp_path):
    code, output = tool(
        'train.py', config, '--work-dir', tmp_path,
        '--cfg-options', 'optim_wrapper.generator.optimizer.lr=1e30',
    )  # fmt: skip
    assert code == 1
    assert 'losses must be finite, got' in output
    assert not [*tmp_path.glob('iter_2.pth')]


@pytest.mark.slow
def test_every_loss_is_logged(trained):
    logs = scalars(trained)
    train = [log for log in logs if 'loss' in log]
    assert len(train) == 4
    sources = ('rgb', 'edge')
    assert set(train[0]) >= {
        *(f'loss_gan_{name}' for name in sources),
        *(f'loss_l1_{name}' for name in (*sources, 'ensemble')),
        *('loss_sparsity', 'loss_d', 'loss_d_real', 'loss_d_fake'),
        *(f'exchange/{name}/own' for name in sources),
        *(f'alpha/{name}' for name in sources),
        *('generator.lr', 'discriminator.lr'),
    }
    assert train[-1]['generator.lr'] < train[0]['generator.lr']
    assert {'MAE', 'rgb/MAE', 'edge/MAE'} <= set(logs[-1])


@pytest.mark.slow
@pytest.mark.parametrize('stopped', [1, 2], ids=['in an epoch', 'after an epoch'])
def test_training_continues_where_it_was_stopped(
    stopped, tool, config, trained, tmp_path
):
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
def test_testing_measures_and_saves_every_stream(
    tool, config, data_root, trained, tmp_path
):
    out, pictures = tmp_path / 'out', tmp_path / 'pictures'
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path / 'work',
        '--out', out, '--show-dir', pictures,
    )  # fmt: skip
    assert code == 0, output
    for stream in ('rgb', 'edge', 'ensemble', 'target'):
        assert files_below(out / stream) == NAMES
    assert files_below(pictures) == NAMES
    errors = []
    for name in NAMES:
        stored = read(data_root / 'depth' / name)
        prediction, target = (read(out / p / name) for p in ('ensemble', 'target'))
        known = stored > 0
        # 10 m have 255 levels, and are 2 of [-1, 1].
        np.testing.assert_allclose(target[known], stored[known] * 0.0255, atol=0.6)
        errors.append(np.abs(prediction[known] / 127.5 - target[known] / 127.5))
    figures = json.loads(next((tmp_path / 'work').rglob('2*.json')).read_text())
    assert figures['MAE'] == pytest.approx(np.concatenate(errors).mean(), abs=0.01)
    for stream in ('', 'rgb/', 'edge/'):
        physical = figures[f'physical/{stream}MAE']
        assert physical == pytest.approx(5 * figures[f'{stream}MAE'], rel=1e-4)
    assert np.isnan(figures['FID'])


@pytest.mark.slow
def test_losses_of_a_translation_are_drawn(tool, trained, tmp_path):
    curves = tmp_path / 'curves.png'
    code, output = tool('analysis/loss_curves.py', trained, '--out', curves)
    assert code == 0, output
    assert read(curves).std() > 0


@pytest.mark.slow
def test_new_images_are_translated_without_targets(
    tool, config, data_root, trained, tmp_path
):
    new, out = tmp_path / 'new', tmp_path / 'out'
    for source in ('rgb', 'edge'):
        shutil.copytree(data_root / source / 'a', new / source / 'a')
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path / 'work',
        '--out', out, '--cfg-options', f'test_dataloader.dataset.data_root={new}',
        'test_dataloader.dataset.ann_file=',
        'test_dataloader.dataset.data_prefix.depth=None',
    )  # fmt: skip
    assert code == 0, output
    assert 'no targets: they are predicted, not measured' in output
    for stream in ('rgb', 'edge', 'ensemble'):
        assert files_below(out / stream) == ['1.png', '2.png']
    assert not (out / 'target').exists()


@pytest.mark.slow
def test_a_checkpoint_of_another_width_is_refused(tool, config, trained, tmp_path):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path,
        '--cfg-options', 'model.generator.base_channels=6',
    )  # fmt: skip
    assert code == 1
    assert 'is a checkpoint of another model' in output
    assert 'Traceback' not in output


@pytest.mark.parametrize('options', [['--subsets'], ['--absent', 'depth']])
def test_sources_of_a_translation_cannot_be_absent(config, options, error_of):
    line = error_of('test.py', config, config, *options)  # the config as a checkpoint
    assert line.startswith('error: ')
    assert options[0] in line
    assert 'CENSegmentor' in line


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() == 1, reason='needs no GPU or two')
def test_two_processes_train_like_one_on_the_same_batch(tool, data_root, tmp_path):
    config = tmp_path / 'plain.py'
    text = CONFIG.replace('DATA_ROOT', repr(str(data_root))).replace('FLIP', '0.0')
    # Not Adam: its steps are as long for gradients that are rounding errors, such as a
    # bias before an instance norm has.
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
    code, output = tool(
        'dist_train.sh', config, '2', '--work-dir', tmp_path / 'two',
        '--cfg-options', 'train_dataloader.batch_size=1',
    )  # fmt: skip
    assert code == 0, output
    for iteration in (1, 4):
        one, two = (checkpoint(tmp_path / name, iteration) for name in ('one', 'two'))
        assert_close(two['state_dict'], one['state_dict'], rtol=1e-4, atol=1e-5)
    # One process can continue what two began.
    for part in ('generator', 'discriminator'):
        ours, theirs = (c['optimizer'][part]['state'] for c in (two, one))
        assert ours.keys() == theirs.keys()
        assert all(m['momentum_buffer'] is not None for m in ours.values())
    # Both have validated, each process on half of the samples.
    figures = [scalars(tmp_path / name)[-1] for name in ('two', 'one')]
    assert figures[0]['MAE'] == pytest.approx(figures[1]['MAE'], rel=1e-3)
