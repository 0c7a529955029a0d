"""tools/train.py, test.py and loss_curves.py on a translation, as a user runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

CONFIG = """
_base_ = {base!r}
sources, target = ('rgb', 'edge'), 'depth'
dataset = dict(
    type='MultimodalTranslationDataset',
    data_root={data!r},
    sources=sources,
    target=target,
    domains=dict(
        rgb=dict(channels=3, dtype='uint8'),
        edge=dict(dtype='uint8'),
        depth=dict(dtype='uint16', scale=1e-3, nodata=(0,), range=(0.0, 10.0)),
    ),
    pipeline=[dict(type='LoadDomains'), dict(type='PackTranslationInputs')],
)
train_dataloader = dict(
    batch_size=2, sampler=dict(type='InfiniteSampler', shuffle=False), dataset=dataset
)
val_dataloader = dict(
    batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='TranslationMetric'),
    dict(type='TranslationMetric', value_range='physical', unit='m', measures=['MAE']),
    dict(type='GenerativeMetric', weights='nowhere.pth'),
]
test_evaluator = val_evaluator
model = dict(
    type='CENPix2Pix',
    sources=sources,
    data_preprocessor=dict(type='TranslationPreprocessor', sources=sources),
    generator=dict(
        type='CENUNet', num_modalities=2, out_channels=1, num_downs=4, base_channels=4
    ),
    discriminator=dict(type='PatchDiscriminator', in_channels=4, base_channels=4),
)
optim_wrapper = dict(
    constructor='OptimWrapperDictConstructor',
    generator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4)),
    discriminator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4)),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=4, save_best='FID', rule='less'
    ),
)
log_processor = dict(by_epoch=False)
"""


def write_domains(folder):
    """Four samples, of which two have equal names in different folders."""
    rng = np.random.default_rng(0)
    for stem in ('a/1', 'a/2', 'b/1', 'b/2'):
        for domain, shape, dtype, high in (
            ('rgb', (32, 32, 3), 'uint8', 256),
            ('edge', (32, 32), 'uint8', 256),
            ('depth', (32, 32), 'uint16', 10000),
        ):
            path = folder / domain / f'{stem}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            image = rng.integers(0, high, shape).astype(dtype)
            image[:3, :3] = 0
            cv2.imwrite(str(path), image)


def tool(name, *args):
    result = subprocess.run(
        [sys.executable, ROOT / 'tools' / name, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)},
    )
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    return text


@pytest.mark.slow
def test_a_translation_is_trained_tested_and_drawn(tmp_path):
    write_domains(tmp_path / 'data')
    config = tmp_path / 'tiny.py'
    base = ROOT / 'configs' / '_base_' / 'default_runtime.py'
    config.write_text(CONFIG.format(base=str(base), data=str(tmp_path / 'data')))
    work_dir = tmp_path / 'work'

    # Without weights for FID, a training says so at once and goes on to its end, even
    # if the best checkpoint is to be chosen by FID.
    text = tool('train.py', config, '--work-dir', work_dir)
    first = text.index('FID and KID are not computed')
    assert first < text.index('Iter(train) [1/4]')
    checkpoint = work_dir / 'iter_4.pth'
    assert checkpoint.is_file()

    out, pictures = tmp_path / 'out', tmp_path / 'pictures'
    args = ('--work-dir', work_dir, '--out', out, '--show-dir', pictures)
    tool('test.py', config, checkpoint, *args)
    names = ['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png']
    for output in ('rgb', 'edge', 'ensemble', 'target'):
        files = sorted((out / output).rglob('*.png'))
        assert [str(file.relative_to(out / output)) for file in files] == names
    stored = cv2.imread(str(tmp_path / 'data/depth/a/1.png'), cv2.IMREAD_UNCHANGED)
    target = cv2.imread(str(out / 'target/a/1.png'), cv2.IMREAD_UNCHANGED)
    known = stored > 0
    np.testing.assert_allclose(target[known], stored[known] * 0.0255, atol=0.6)
    files = sorted(pictures.rglob('*.png'))
    assert [str(file.relative_to(pictures)) for file in files] == names

    (log,) = (path for path in work_dir.glob('*/*.json') if path.parent != work_dir)
    metrics = json.loads(log.read_text().splitlines()[-1])
    errors = []
    for name in names:
        prediction, target = (
            cv2.imread(str(out / output / name), cv2.IMREAD_UNCHANGED) / 127.5
            for output in ('ensemble', 'target')
        )
        known = cv2.imread(str(tmp_path / 'data/depth' / name), -1) > 0
        errors.append(np.abs(prediction - target)[known])
    mae = np.concatenate(errors).mean()
    assert metrics['MAE'] == pytest.approx(mae, abs=0.01)
    # 10 m are 2 of [-1, 1].
    assert metrics['physical/MAE'] == pytest.approx(5 * metrics['MAE'])
    assert metrics['physical/edge/MAE'] == pytest.approx(5 * metrics['edge/MAE'])
    assert np.isnan(metrics['FID'])

    curves = tmp_path / 'curves.png'
    tool('analysis/loss_curves.py', work_dir, '--out', curves)
    assert cv2.imread(str(curves)) is not None
