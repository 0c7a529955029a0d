import random
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch.testing import assert_close

from mmseg_cen.hooks.randomness import _seed, seed_worker

MODEL = dict(
    type='CENSegmentor',
    data_preprocessor=dict(
        type='MultimodalPreprocessor',
        modalities=dict(rgb=dict(channels=3), depth=dict(channels=1)),
    ),
    backbone=dict(type='CENResNet', depth=18, base_channels=4, stem_channels=4),
    decode_head=dict(
        type='EnsembleHead',
        modalities=('rgb', 'depth'),
        head=dict(
            type='FCNHead',
            in_channels=32,
            channels=4,
            num_classes=13,
            dropout_ratio=0.5,
            norm_cfg=dict(type='BN'),
        ),
    ),
    subset_distillation=dict(),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
PIPELINE = [
    dict(type='LoadSyntheticRoom'),
    dict(type='RandomCrop', crop_size=(24, 24)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]


def train(work_dir, by_epoch, num_workers, sampler, resume_from=None):
    loop = (
        dict(type='ResumableEpochTrainLoop', max_epochs=3)
        if by_epoch
        else dict(type='IterBasedTrainLoop', max_iters=6)
    )
    dataset = dict(type='SyntheticRGBDDataset', num_samples=4, image_size=(32, 32))
    cfg = Config(
        dict(
            default_scope='mmseg',
            work_dir=str(work_dir),
            model=MODEL,
            train_dataloader=dict(
                batch_size=2,
                num_workers=num_workers,
                worker_init_fn=dict(type='seed_worker'),
                sampler=dict(type=sampler, shuffle=True),
                dataset=dict(**dataset, pipeline=PIPELINE),
            ),
            val_dataloader=dict(
                batch_size=1,
                num_workers=0,
                sampler=dict(type='DefaultSampler', shuffle=False),
                dataset=dict(**dataset, pipeline=PIPELINE[::3]),
            ),
            val_cfg=dict(),
            val_evaluator=dict(type='StreamIoUMetric'),
            train_cfg=dict(val_interval=1 if by_epoch else 3, **loop),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1),
                random_state=dict(type='ResumableRandomnessHook'),
            ),
            custom_hooks=[dict(type='GammaSparsityHook', sparsity_weight=0.01)],
            log_processor=dict(by_epoch=by_epoch),
            randomness=dict(seed=3),
            log_level='ERROR',
            load_from=resume_from,
            resume=resume_from is not None,
            experiment_name=work_dir.name,
        )
    )
    torch.manual_seed(hash(work_dir.name))  # what was drawn before must not matter
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner.model.state_dict()


@pytest.mark.slow
@pytest.mark.parametrize(
    ('by_epoch', 'sampler', 'num_workers'),
    [
        (True, 'DefaultSampler', 2),
        (False, 'DefaultSampler', 2),
        (False, 'InfiniteSampler', 0),
    ],
)
def test_a_resumed_training_ends_where_an_unbroken_one_does(
    by_epoch, sampler, num_workers, tmp_path, monkeypatch
):
    """With crops, flips, dropout and random subsets, within an epoch or between two."""
    # mmengine waits for two seconds between two passes over the data.
    monkeypatch.setattr('mmengine.runner.loops.time.sleep', lambda seconds: None)
    unbroken = train(tmp_path / 'unbroken', by_epoch, num_workers, sampler)
    for iteration in (3, 4):
        checkpoint = tmp_path / 'unbroken' / f'iter_{iteration}.pth'
        resumed = train(
            tmp_path / f'resumed_{iteration}',
            by_epoch,
            num_workers,
            sampler,
            str(checkpoint),
        )
        start = torch.load(checkpoint)['state_dict']
        assert_close(resumed, unbroken, rtol=0, atol=0)
        weight = 'backbone.conv1.weight'
        assert not torch.equal(start[weight], unbroken[weight])


def test_seeds_differ_between_processes_and_steps():
    runners = [
        SimpleNamespace(seed=seed, rank=rank) for seed in (0, 1) for rank in (0, 1)
    ]
    seeds = {_seed(runner, step) for runner in runners for step in range(9)}
    assert len(seeds) == 36
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_workers_of_one_seed_of_torch_draw_alike_in_numpy():
    draws = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        seed_worker(0, rank=0, num_workers=2)
        draws.append(np.random.randint(2**31))
    assert draws[0] == draws[1] != draws[2]


def test_workers_of_several_processes_draw_differently(monkeypatch):
    """Those of iterations are started with one seed of torch in all processes."""

    def draws(rank):
        if rank is not None:
            monkeypatch.setenv('RANK', str(rank))
        torch.manual_seed(5)
        random.seed(5)
        seed_worker(0)
        return random.random(), np.random.random(), float(torch.rand(()))

    monkeypatch.delenv('RANK', raising=False)
    alone, first, second, third = (draws(rank) for rank in (None, 0, 1, 2))
    assert alone == first
    for several in zip(first, second, third, strict=True):
        assert len({*several}) == 3


def test_a_worker_computes_in_one_thread():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        seed_worker(0)
        assert cv2.getNumThreads() <= 1
    finally:
        cv2.setNumThreads(before)
