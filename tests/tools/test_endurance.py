"""Trainings that are killed, and trainings that are long.

The numbers of kills and of iterations are small unless the environment says more:

    KILLS=30 SOAK=2000 python -m pytest -m slow tests/tools/test_endurance.py
"""

import json
import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.testing import assert_close

from mmseg_cen.launch import load_config

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get('KILLS', 1))
SOAK = int(os.environ.get('SOAK', 40))
TRAIN = Path(__file__).parents[2] / 'tools' / 'train.py'
EPOCHS = 3

NETWORK = """
image_size = (16, 16)
small = dict(dataset=dict(num_samples=6, image_size=image_size))
train_dataloader = small
val_dataloader = small
test_dataloader = small
model = dict(
    data_preprocessor=dict(size=image_size),
    backbone=dict(base_channels=4, stem_channels=4),
    decode_head=dict(head=dict(in_channels=32, channels=4, dropout_ratio=0.1)),
)
"""

BY_EPOCH = f"""
_base_ = {{base!r}}
{NETWORK}
train_dataloader = dict(
    batch_size=2,
    num_workers={{workers}},
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='seed_worker'),
    **small,
)
train_cfg = dict(
    _delete_=True, type='EpochBasedTrainLoop', max_epochs={EPOCHS}, val_interval=1
)
param_scheduler = dict(type='PolyLR', end={EPOCHS}, convert_to_iter_based=True)
default_hooks = dict(
    checkpoint=dict({{checkpoint}}, interval=1, max_keep_ckpts=2, save_best='mIoU'),
    random_state=dict(type='ResumableRandomnessHook'),
    finite=dict(type='FiniteLossHook'),
)
custom_hooks = [
    dict(type='GammaSparsityHook'), dict(type='GammaRecorderHook', interval=1)
]
log_processor = dict(by_epoch=True)
"""


def checkpoint_of(work_dir):
    return torch.load((work_dir / 'last_checkpoint').read_text())


def best_of(checkpoint):
    """The best score until a checkpoint, and the name of the file that has it."""
    info = checkpoint['message_hub']['runtime_info']
    return info['best_score'], Path(info['best_ckpt']).name


def validated(work_dir):
    """The epochs whose validation was logged."""
    logs = work_dir.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    return {line['step'] for line in lines if 'mIoU' in line}


@pytest.mark.parametrize(
    'checkpoint', ['by_epoch=False', *(['by_epoch=True'] if KILLS > 1 else [])]
)
def test_a_training_that_is_killed_ends_like_an_unbroken_one(
    checkpoint, start_in_server, config, tmp_path
):
    path = tmp_path / 'killed.py'
    path.write_text(
        BY_EPOCH.format(base=str(config), checkpoint=checkpoint, workers=KILLS > 9)
    )
    start_in_server(TRAIN, '--help')[0].join()  # the server has its imports now
    begun = time.monotonic()
    process, output = start_in_server(TRAIN, path, '--work-dir', tmp_path / 'unbroken')
    process.join()
    assert process.exitcode == 0, output.read_text()
    duration = time.monotonic() - begun
    wanted = checkpoint_of(tmp_path / 'unbroken')
    moments, kills, round_ = random.Random(0), 0, 0
    while kills < KILLS:
        work_dir = tmp_path / f'killed_{(round_ := round_ + 1)}'
        ended = False
        while not ended:
            process, output = start_in_server(
                TRAIN, path, '--work-dir', work_dir, '--resume'
            )
            last = kills >= KILLS
            process.join(None if last else moments.uniform(0.2, 1) * duration)
            if process.is_alive():
                process.kill()
                process.join()
                kills += 1
            else:
                assert process.exitcode == 0, output.read_text()
                ended = True
        found = checkpoint_of(work_dir)
        for key in ('state_dict', 'optimizer'):
            assert_close(found[key], wanted[key], rtol=0, atol=0)
        assert found['param_schedulers'] == wanted['param_schedulers']
        assert found['meta']['iter'] == wanted['meta']['iter']
        assert validated(work_dir) == validated(tmp_path / 'unbroken')
        assert best_of(found) == best_of(wanted)
        assert not [*work_dir.glob('.*.part')]


class Memory(Hook):
    """Resident memory of this process, in MB, after each iteration."""

    def __init__(self):
        self.used = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        pages = int(Path('/proc/self/statm').read_text().split()[1])
        self.used.append(pages * os.sysconf('SC_PAGE_SIZE') / 2**20)


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='no /proc')
def test_the_memory_of_a_long_training_is_flat(config, tmp_path):
    path = tmp_path / 'long.py'
    path.write_text(f'_base_ = {str(config)!r}\n{NETWORK}')
    options = {
        'train_cfg.max_iters': SOAK,
        'train_cfg.val_interval': max(SOAK // 10, 20),
        'default_hooks.checkpoint.interval': max(SOAK // 10, 20),
        'default_hooks.checkpoint.max_keep_ckpts': 1,
        'custom_hooks': [
            dict(type='GammaSparsityHook'),
            dict(type='GammaRecorderHook'),
            dict(type='ExchangeStatsHook'),
            dict(type='FiniteLossHook'),
        ],
        'log_level': 'ERROR',
    }
    cfg: Config = load_config(str(path), options=options, work_dir=str(tmp_path))
    memory = Memory()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(memory)
    runner.train()
    used = np.array(memory.used)
    assert len(used) == SOAK
    print(f'\nmemory in MB, every {SOAK // 10} iterations:', used[:: SOAK // 10])
    half = SOAK // 2  # caches of allocators and of workers fill in the first
    growth = np.median(used[-half // 4 :]) - np.median(used[half : half + half // 4])
    assert growth < 2 + SOAK / 500, f'{growth:.1f} MB in {half} iterations'
