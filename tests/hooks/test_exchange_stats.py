from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmseg.registry import MODELS

from mmseg_cen.hooks import ExchangeStatsHook
from mmseg_cen.streams.places import exchanging_norms


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


def test_shares_of_tokens_are_reported_by_modality_and_block():
    vit = dict(
        type='VisionTransformer',
        img_size=16,
        patch_size=8,
        embed_dims=8,
        num_layers=2,
        num_heads=1,
        out_indices=(1,),
    )
    exchange = [dict(type='TokenExchange', threshold=0.5), dict(type='ChannelExchange')]
    backbone = dict(type='CENBackbone', backbone=vit, exchange=exchange)
    head = dict(type='FCNHead', in_channels=8, in_index=0, channels=4, num_classes=3)
    model = MODELS.build(
        dict(
            type='CENSegmentor',
            modalities=('rgb', 'depth'),
            backbone=dict(backbone, layer_norms=True, pattern='ln1'),
            decode_head=dict(type='EnsembleHead', head=head),
        )
    )
    assert len(exchanging_norms(model)) == 2  # penalized as without tokens
    model.backbone(torch.randn(1, 6, 16, 16))
    runner = Recorder(model, max_iters=5)
    ExchangeStatsHook().before_train(runner)
    keys = {key for _, key in runner.scalars}
    assert keys >= {'train/exchange/rgb/tokens', 'train/exchange/depth/own'}
    ((_, of_parts),) = runner.stages
    assert of_parts >= {f'exchange/depth/tokens/layers.{i}' for i in (0, 1)}


def test_a_model_without_exchange_is_reported_without_shares():
    runner = Recorder(torch.nn.Linear(2, 2), max_iters=1)
    ExchangeStatsHook().before_train(runner)
    assert runner.scalars == []


def ending(model, said, agreement=None):
    """What is warned of when a training of a model ends."""
    scalars = (
        {'val/streams/agreement': HistoryBuffer([agreement], [1])} if agreement else {}
    )
    hub = SimpleNamespace(log_scalars=scalars)
    said.clear()
    ExchangeStatsHook().after_train(SimpleNamespace(model=model, message_hub=hub))
    return said


@pytest.fixture
def said(monkeypatch):
    lines = []
    name = 'mmseg_cen.hooks.exchange_stats.print_log'
    monkeypatch.setattr(name, lambda text, *_: lines.append(text))
    return lines


def set_gammas(model, value, **exchange):
    for norm in exchanging_norms(model).values():
        norm.norm.weight.data.fill_(value)
        for key, option in exchange.items():
            setattr(norm.exchange, key, option)


def test_streams_that_are_nearly_one_network_are_warned_of_at_the_end(model, said):
    assert not ending(model, said)
    set_gammas(model, 0.0)
    (line,) = ending(model, said, agreement=99.4)
    assert line.startswith('100% of the own part of each stream is exchanged')
    assert 'they agreed on 99.4 % of the pixels' in line
    assert 'target_share of GammaSparsityHook' in line
    (line,) = ending(model, said)
    assert 'agreed' not in line


def test_streams_that_change_places_are_not_one_network(model, said):
    set_gammas(model, 0.0, scope='all')
    assert not ending(model, said)
    assert not ending(torch.nn.Linear(2, 2), said)


def test_streams_that_are_merged_behind_the_exchange_have_their_names(model):
    cfg = Config.fromfile('configs/demo/fusion_common_synthetic.py')
    cfg.model.backbone.exchange_threshold = 2e-2
    merged = MODELS.build(cfg.model)
    assert merged.modalities == ('fused',)
    assert {n.num_modalities for n in exchanging_norms(merged).values()} == {2}
    runner = Recorder(merged, max_iters=1)
    ExchangeStatsHook(interval=1)._report(runner, 1)
    assert {key for _, key in runner.scalars} == {
        *(f'train/exchange/{m}/{s}' for m in ('rgb', 'depth') for s in ('own', 'all')),
        'train/alpha/fused',
    }
