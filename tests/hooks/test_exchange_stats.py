from types import SimpleNamespace

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_cen.hooks import ExchangeStatsHook


@pytest.fixture
def model():
    model = MODELS.build(
        dict(
            type='CENSegmentor',
            backbone=dict(type='CENResNet', depth=50, base_channels=4, stem_channels=4),
            decode_head=dict(
                type='EnsembleHead',
                modalities=('rgb', 'depth'),
                head=dict(type='FCNHead', in_channels=128, channels=4, num_classes=3),
            ),
        )
    )
    for stage in model.backbone.res_layers:
        for block in getattr(model.backbone, stage):
            block.norm2.norm.weight.data.fill_(1.0)
    return model


class Recorder:
    """A runner that records what is reported."""

    def __init__(self, model, max_iters):
        self.model, self.max_iters, self.iter = model, max_iters, 0
        self.scalars, self.stages, self.images = [], [], []
        self.message_hub = SimpleNamespace(
            update_scalar=lambda key, value: self.scalars.append((self.iter, key))
        )
        self.visualizer = SimpleNamespace(
            add_scalars=lambda scalars, step: self.stages.append((step, set(scalars))),
            add_image=lambda name, image, step: self.images.append((name, step)),
            _vis_backends={},
        )


def test_scalars_go_to_the_log_and_stages_and_pictures_to_the_backends(model):
    runner = Recorder(model, max_iters=5)
    hook = ExchangeStatsHook(interval=2, histogram_interval=4)
    hook.before_train(runner)
    for runner.iter in range(5):
        hook.after_train_iter(runner, runner.iter)
    keys = {key for _, key in runner.scalars}
    assert keys == {
        *(f'train/exchange/{m}/{s}' for m in ('rgb', 'depth') for s in ('own', 'all')),
        'train/alpha/rgb',
        'train/alpha/depth',
    }
    assert sorted({i for i, _ in runner.scalars}) == [0, 1, 3, 4]
    assert [step for step, _ in runner.stages] == [0, 2, 4, 5]
    assert 'exchange/rgb/own/layer4' in runner.stages[0][1]
    assert runner.images == [('gamma', 4), ('gamma', 5)]


def test_a_model_without_exchange_is_reported_without_shares():
    runner = Recorder(torch.nn.Linear(2, 2), max_iters=1)
    ExchangeStatsHook().before_train(runner)
    assert runner.scalars == []
