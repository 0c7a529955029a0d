"""A network with frozen exchange computes what the network does, with less."""

import io
import pickle

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.freezing import freeze_exchange
from mmseg_cen.freezing.layers import FrozenConv
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.presence import present_modalities

RESNET = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
STAGES = dict(num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(0, 1))
STAGE = dict(num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,))
BOTTLENECKS = dict(
    type='ResNet',
    depth=50,
    base_channels=16,
    stem_channels=16,
    deep_stem=True,
    **STAGES,
)
DEPTHWISE = dict(type='MobileNetV2', widen_factor=0.5)
BRANCHES = dict(type='BiSeNetV2', detail_channels=(8, 8, 16), bga_channels=16)
BRANCHES |= dict(semantic_channels=(8, 8, 16, 16))


def frozen_layers(network):
    return [layer for layer in network.modules() if isinstance(layer, FrozenConv)]


@pytest.mark.parametrize(
    ('num_modalities', 'scope', 'share'),
    [
        (2, 'own', 0.0),
        (2, 'own', 0.5),
        (2, 'own', 1.0),
        (2, 'all', 0.5),
        (3, 'own', 1.0),
        (3, 'all', 0.5),
        (5, 'own', 0.5),
    ],
)
def test_it_computes_the_same(network, same, num_modalities, scope, share):
    reference = network(
        share, num_modalities, {**RESNET, **STAGES}, exchange_scope=scope
    )
    frozen = freeze_exchange(reference)
    assert len(frozen_layers(frozen)) == 10
    same(reference, frozen, torch.rand(2, 3 * num_modalities, 32, 48))


@pytest.mark.parametrize(
    ('backbone', 'share'), [(BOTTLENECKS, 0.5), (DEPTHWISE, 1.0), (BRANCHES, 1.0)]
)
def test_it_computes_the_same_in_other_networks(network, same, backbone, share):
    reference = network(share, backbone=backbone)
    frozen = freeze_exchange(reference)
    assert any(layer.takes_shared for layer in frozen_layers(frozen)) == (share == 1)
    same(reference, frozen, torch.rand(1, 6, 64, 64))


@pytest.mark.parametrize(
    ('exchange', 'freezes'),
    [
        ('ChannelDrop', True),
        ('FixedPortionExchange', True),
        ('RandomExchange', True),
        ('SumExchange', False),
        ('GatedSumExchange', False),
    ],
)
def test_other_exchanges_are_frozen_if_they_choose_channels(
    network, same, exchange, freezes
):
    backbone = {**RESNET, **STAGES}
    reference = network(0.5, backbone=backbone, exchange=dict(type=exchange))
    frozen = freeze_exchange(reference)
    assert len(frozen_layers(frozen)) == (10 if freezes else 2)
    same(reference, frozen, torch.rand(2, 6, 32, 32))


@pytest.mark.parametrize('share', [0.5, 1.0])
def test_channels_last_is_kept(network, same, share):
    reference = network(share, backbone={**RESNET, **STAGE})
    frozen = freeze_exchange(reference).to(memory_format=torch.channels_last)
    x = torch.rand(2, 6, 32, 32).contiguous(memory_format=torch.channels_last)
    same(reference, frozen, x)
    with torch.no_grad():
        for feats in frozen(x):
            assert feats.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize('share', [0.5, 1.0])
def test_absent_modalities_change_nothing(network, share):
    reference = network(share, 3, {**RESNET, **STAGE})
    present = torch.tensor([[True, False, True], [False, False, True]])
    x = torch.rand(2, 9, 32, 32)
    with torch.no_grad(), present_modalities(present):
        expected, found = reference(x), freeze_exchange(reference)(x)
    for e, f in zip(expected, found, strict=True):
        assert torch.equal(e, f)


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@pytest.mark.parametrize('share', [0.5, 1.0])
def test_it_can_be_traced_exported_and_compiled(network, same, share):
    reference = network(share, backbone={**RESNET, **STAGE})
    frozen = freeze_exchange(reference)
    x, other = torch.rand(2, 6, 32, 32), torch.rand(3, 6, 48, 32)
    with torch.no_grad():
        same(reference, torch.jit.trace(frozen, x, check_trace=False), other)
        if share == 1:  # with streams that are kept once
            exported = torch.export.export(frozen, (x,), strict=False)
            same(reference, exported.module(), x)
            same(reference, torch.compile(frozen, backend='eager'), x)
    torch.compiler.reset()


def test_it_can_be_copied_and_cast(network, same):
    reference = network(backbone={**RESNET, **STAGE})
    frozen = freeze_exchange(reference)
    file = io.BytesIO()
    torch.save(frozen, file)
    file.seek(0)
    x = torch.rand(1, 6, 32, 32)
    for copied in (
        pickle.loads(pickle.dumps(frozen)),
        torch.load(file, weights_only=False),
    ):
        same(reference, copied, x)
    with torch.autocast('cpu', torch.bfloat16):
        same(reference, frozen, x, tolerance=5e-2)
    same(reference.double(), frozen.double(), x.double())


def test_a_generator_is_frozen_as_far_as_its_norms_allow(drawn_at, same):
    cfg = dict(type='CENUNet', num_downs=4, base_channels=8)
    x = torch.rand(2, 6, 16, 32)
    for running, count in ((True, 2), (False, 0)):
        built = MODELS.build({**cfg, 'track_running_stats': running})
        reference = drawn_at(1.0)(built)
        frozen = freeze_exchange(reference)
        assert len(frozen_layers(frozen)) == count
        same(reference, frozen, x)


def test_a_generator_is_frozen_within_the_wrapper_of_several_processes(drawn_at):
    """Which a test of them puts around each network."""
    model = nn.Module()
    unet = MODELS.build(dict(type='CENUNet', num_downs=4, base_channels=8))
    model.generator = nn.DataParallel(drawn_at(1.0)(unet))
    frozen = freeze_exchange(model.eval())
    assert type(frozen.generator) is nn.DataParallel
    assert len(frozen_layers(frozen.generator.module)) == 2
    assert not frozen_layers(model)


def test_a_translation_by_the_released_protocol_is_refused(drawn_at):
    """Its norms run as in training."""
    model = nn.Module()
    unet = MODELS.build(dict(type='CENUNet', num_downs=3, base_channels=8))
    model.generator, model.test_protocol = drawn_at(1.0)(unet), 'released'
    with pytest.raises(ValueError, match=r"must be 'eval' for .* got 'released'"):
        freeze_exchange(model.eval())


def test_a_norm_is_not_folded_if_a_hook_looks_at_it(network, same):
    reference = network(backbone={**RESNET, **STAGE})

    def spy(norm, args, output):
        return output + args[0]

    for norm in list(reference.modules()):
        if isinstance(norm, ModalityNorm):
            norm.register_forward_hook(spy)
    frozen = freeze_exchange(reference)
    assert not frozen_layers(frozen)
    same(reference, frozen, torch.rand(1, 6, 32, 32))


class Returning(nn.Module):
    """Returns what a convolution returns, and goes on behind a norm."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.BatchNorm2d(8)

    def forward(self, x):
        first = self.stem(x)
        second = self.conv(self.norm(first).relu())
        return first, self.last(second)


def test_what_a_network_returns_has_no_norm_folded_in(network, same):
    reference = network(backbone=dict(type=Returning))
    frozen = freeze_exchange(reference)
    assert len(frozen_layers(frozen)) == 1
    same(reference, frozen, torch.rand(1, 6, 32, 32))


def test_a_frozen_network_is_neither_trained_nor_loaded(network):
    reference = network(backbone={**RESNET, **STAGE})
    frozen = freeze_exchange(reference)
    with pytest.raises(ValueError, match=r'must stay in eval mode, got train\(\)'):
        frozen.train()
    with pytest.raises(ValueError, match='loaded before the exchange is frozen'):
        frozen.load_state_dict(reference.state_dict())
    with pytest.raises(ValueError, match='`model` must be in eval mode'):
        freeze_exchange(reference.train())
    held = network(backbone={**RESNET, **STAGE, 'norm_eval': True}).train()
    assert not any(m.norm.training for m in held.modules() if hasattr(m, 'norm'))
    with pytest.raises(ValueError, match='`model` must be in eval mode'):
        freeze_exchange(held)
    with pytest.raises(ValueError, match='over several modalities'):
        freeze_exchange(torch.nn.Conv2d(3, 3, 1))
