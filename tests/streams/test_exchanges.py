import math

import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.models import (
    CENResNet,
    ChannelExchange,
    Exchange,
    ModalityBN,
    exchange_channels,
    exchanging_norms,
    own_part,
)
from mmseg_cen.streams.exchanges import build_exchange
from mmseg_cen.translation import CENUNet

VARIANTS = [
    'ChannelExchange',
    'ChannelDrop',
    'FixedPortionExchange',
    'RandomExchange',
    'SumExchange',
    'GatedSumExchange',
]
NARROW = dict(base_channels=4, stem_channels=4)
B, C = 2, 9


def streams(M, dtype=torch.double):
    return torch.randn(B, M, C, 3, 4, dtype=dtype), torch.randn(M, C, dtype=dtype)


def build(kind, M=2, **arguments):
    return build_exchange({'type': kind, **arguments}, M, C)


def others(x, m, c):
    """Mean of one channel over the modalities other than m."""
    rest = [x[:, n, c] for n in range(x.shape[1]) if n != m]
    return sum(rest) / len(rest)


def channel_by_channel(x, replace):
    """``replace(m, c)`` is what channel c of modality m becomes, or None."""
    out = x.clone()
    for m in range(x.shape[1]):
        for c in range(C):
            new = replace(m, c)
            if new is not None:
                out[:, m, c] = new
    return out


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('scope', ['own', 'all'])
def test_the_default_is_equation_6(M, scope):
    x, gamma = streams(M)
    out = build('ChannelExchange', M, threshold=0.7, scope=scope)(x, gamma)
    assert torch.equal(out, exchange_channels(x, gamma, 0.7, scope))
    assert build('ChannelExchange', M, threshold=0)(x, gamma) is x


@pytest.mark.parametrize('M', [2, 3])
def test_dropped_channels_are_zero(M):
    x, gamma = streams(M)
    parts = torch.arange(C).tensor_split(M)

    def replace(m, c):
        return 0 if abs(gamma[m, c]) < 0.7 and c in parts[m] else None

    out = build('ChannelDrop', M, threshold=0.7)(x, gamma)
    assert_close(out, channel_by_channel(x, replace))
    assert build('ChannelDrop', M, threshold=0.7, scope='all')(x, 0 * gamma).eq(0).all()


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('scope', ['own', 'all'])
def test_a_fixed_portion_is_that_of_the_smallest_scaling_factors(M, scope):
    x, gamma = streams(M)
    parts = torch.arange(C).tensor_split(M)
    smallest = []
    for m in range(M):
        allowed = parts[m].tolist() if scope == 'own' else range(C)
        smallest.append(sorted(allowed, key=lambda c, m=m: abs(gamma[m, c]))[:3])

    def replace(m, c):
        return others(x, m, c) if c in smallest[m] else None

    exchange = build('FixedPortionExchange', M, portion=0.3, scope=scope)
    assert_close(exchange(x, gamma), channel_by_channel(x, replace))
    assert exchange.chosen(gamma).sum(1).tolist() == [3] * M  # 0.3 * 9, rounded


def test_a_fixed_portion_fits_into_the_smallest_own_part():
    exchange = build('FixedPortionExchange', 4, portion=0.25)  # of 9: 3, 2, 2, 2
    chosen = exchange.chosen(torch.zeros(4, C))
    assert chosen.sum(1).tolist() == [2] * 4
    assert not (chosen & ~own_part(4, C)).any()


def test_a_portion_beyond_the_own_part_is_refused_when_built():
    with pytest.raises(ValueError, match=r'at most 1/4 .* got portion=0.3; lower it'):
        build('FixedPortionExchange', 4)
    assert build('FixedPortionExchange', 4, scope='all')


@pytest.mark.parametrize('M', [2, 3])
def test_random_channels_are_a_fixed_portion_alike_in_all_modalities(M):
    x, gamma = streams(M)
    exchange = build('RandomExchange', M, portion=0.3)
    drawn = exchange.chosen(gamma)
    assert drawn.sum(1).tolist() == [3] * M
    assert drawn.eq(drawn[0]).all()

    def replace(m, c):
        return others(x, m, c) if drawn[m, c] else None

    expected = channel_by_channel(x, replace)
    assert_close(exchange(x, gamma), expected)
    assert_close(exchange(x, gamma), expected)  # the same ones again


def test_random_exchange_of_two_modalities_loses_no_activation():
    x, gamma = streams(2)
    out = build('RandomExchange', portion=0.5)(x, gamma)
    assert not torch.equal(out, x)
    assert torch.equal(out.sort(1).values, x.sort(1).values)


def test_random_draws_depend_on_the_layer_and_the_seed_only():
    def draw(place=0, seed=0):
        torch.manual_seed(torch.seed() % 2**31)
        cfg = dict(type='RandomExchange', portion=0.5, seed=seed)
        return build_exchange(cfg, 2, 64, place).mask

    assert torch.equal(draw(), draw())
    assert not torch.equal(draw(), draw(place=1))
    assert not torch.equal(draw(), draw(seed=1))


@pytest.mark.parametrize('M', [2, 3])
def test_sums_take_in_all_channels(M):
    x, gamma = streams(M)
    total = channel_by_channel(x, lambda m, c: x[:, m, c] + others(x, m, c))
    assert_close(build('SumExchange', M)(x, gamma), total)
    gated = build('GatedSumExchange', M).double()
    assert_close(gated(x, gamma), (x + total) / 2)  # half open
    torch.nn.init.normal_(gated.gate_logits)
    gate = 1 / (1 + (-gated.gate_logits.detach()).exp())
    expected = channel_by_channel(
        x, lambda m, c: x[:, m, c] + gate[m, c] * others(x, m, c)
    )
    assert_close(gated(x, gamma), expected)
    assert torch.autograd.gradcheck(gated, (x.requires_grad_(), gamma))


@pytest.mark.parametrize('kind', VARIANTS)
@pytest.mark.parametrize('M', [2, 3])
def test_an_absent_stream_is_no_source(kind, M):
    """Whatever is in it, NaN included, the others come out as if it were not there."""
    x, gamma = streams(M)
    exchange = build(kind, M).double()
    present = torch.ones(B, M, dtype=torch.bool)
    assert_close(exchange(x, gamma, present), exchange(x, gamma))
    present[1, 0] = False
    out = exchange(x, gamma, present)
    assert_close(out[0], exchange(x, gamma)[0])
    x[1, 0] = torch.nan
    assert_close(exchange(x, gamma, present)[1, 1:], out[1, 1:])
    assert out.isfinite().all()
    if M == 2 and kind != 'ChannelDrop':  # nobody to take channels from
        assert torch.equal(out[1, 1], x[1, 1])


@pytest.mark.parametrize('kind', VARIANTS)
@pytest.mark.parametrize('M', [2, 3])
def test_every_variant_runs_in_a_network_and_adds_no_name_to_checkpoints(kind, M):
    args = dict(depth=18, num_modalities=M, **NARROW)
    plain = CENResNet(**args)
    net = CENResNet(**args, exchange=dict(type=kind))
    names = {type(norm.exchange).__name__ for norm in exchanging_norms(net).values()}
    assert names == {kind}
    loaded = net.load_state_dict(plain.state_dict(), strict=False)
    assert not loaded.unexpected_keys
    gates = {f'{name}.exchange.gate_logits' for name in exchanging_norms(net)}
    assert set(loaded.missing_keys) == (gates if 'Gated' in kind else set())
    x = torch.randn(2, 3 * M, 64, 64)
    out = net(x)[-1]
    out.sum().backward()
    assert out.isfinite().all()
    if 'Channel' not in kind:  # those exchange nothing where every gamma is 1
        assert not torch.equal(out, plain(x)[-1])


@pytest.mark.parametrize('kind', VARIANTS)
def test_a_unimodal_checkpoint_initializes_every_variant(kind):
    unimodal = torch.nn.BatchNorm2d(C)
    torch.nn.init.normal_(unimodal.weight)
    norm = ModalityBN(C, 2, exchange=dict(type=kind))
    norm.load_state_dict(unimodal.state_dict())
    assert_close(norm.gamma, unimodal.weight.expand(2, C))


def test_a_pattern_chooses_the_down_sampling_stages():
    exchange = dict(type='FixedPortionExchange')
    net = CENResNet(50, pattern=r'layer[234]\.0\.', exchange=exchange, **NARROW)
    assert list(exchanging_norms(net)) == [f'layer{i}.0.bn2' for i in (2, 3, 4)]


def test_threshold_and_scope_of_the_backbone_are_those_of_a_variant():
    args = dict(exchange_threshold=0.3, exchange_scope='all', **NARROW)
    net = CENResNet(18, exchange=dict(type='ChannelDrop'), **args)
    exchange = next(iter(exchanging_norms(net).values())).exchange
    assert (exchange.threshold, exchange.scope) == (0.3, 'all')
    net = CENResNet(18, exchange=dict(type='ChannelDrop', threshold=0.1), **args)
    exchange = next(iter(exchanging_norms(net).values())).exchange
    assert (exchange.threshold, exchange.scope) == (0.1, 'all')


def test_shared_norms_exchange_in_no_way():
    with pytest.raises(ValueError, match=r"norms='shared' .*; leave that out"):
        CENResNet(18, exchange=dict(type='SumExchange'), norms='shared', **NARROW)


def test_a_user_registers_an_exchange_of_their_own():
    @MODELS.register_module(force=True)
    class Negation(Exchange):
        def forward(self, x, gamma, present=None):
            return -x

    norm = ModalityBN(C, 2, exchange=dict(type='Negation')).eval()
    x = torch.randn(4, C, 3, 3)
    assert torch.equal(norm(x), -ModalityBN(C, 2).eval()(x))


def test_arguments_of_the_backbone_reach_a_subclass_through_its_kwargs():
    @MODELS.register_module(force=True)
    class Scaled(ChannelExchange):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)

    class Inherited(Scaled):
        pass

    @MODELS.register_module(force=True)
    class Plain(Exchange):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)

    for kind in ('Scaled', Inherited):
        args = dict(exchange_threshold=0.3, exchange_scope='all')
        exchange = ModalityBN(C, 2, **args, exchange=dict(type=kind)).exchange
        assert (exchange.threshold, exchange.scope) == (0.3, 'all')
        own = dict(type=kind, threshold=0.1, factor=2.0)
        exchange = ModalityBN(C, 2, **args, exchange=own).exchange
        assert (exchange.threshold, exchange.scope) == (0.1, 'all')
    # One that has neither is not given them.
    assert ModalityBN(C, 2, **args, exchange=dict(type='Plain')).exchange
    with pytest.raises(ValueError, match=r"'factor', 'threshold', 'scope'\], got .*no"):
        ModalityBN(C, 2, exchange=dict(type='Scaled', no=1))


class Demanding(Exchange):
    def __init__(self, needed):
        super().__init__()


WRONG = [
    (dict(type='NoSuch'), r"such as \['ChannelExchange', .* got {'type': 'NoSuch'}"),
    (dict(type='ModalityBN'), 'that extends Exchange, such as'),
    (dict(type='ResNet'), "got {'type': 'ResNet'}"),
    (dict(type='ConcatFusion'), "got {'type': 'ConcatFusion'}"),
    (dict(portion=0.3), r"config dict\(type=...\).*got {'portion': 0.3}"),
    ('ChannelExchange', "got 'ChannelExchange'"),
    ({}, 'got {}'),
    ([], r'got \[\]'),
    (dict(type='SumExchange', threshold=1), r"arguments \[\], got {'threshold': 1}"),
    (dict(type=Demanding), r"\['needed'\], got {}: .*missing 1 required"),
    (dict(type='RandomExchange', portion=30), r'in \[0, 1\], got 30'),
    (dict(type='RandomExchange', seed=1.5), 'an integer, got 1.5'),
    (dict(type='FixedPortionExchange', portion='0.3'), r"in \[0, 1\], got '0.3'"),
    (dict(type='FixedPortionExchange', portion=None), r'in \[0, 1\], got None'),
    (dict(type='FixedPortionExchange', portion=math.nan), r'in \[0, 1\], got nan'),
    (dict(type='ChannelDrop', threshold=-1), 'not negative, got -1'),
    (dict(type='ChannelDrop', threshold='0.02'), "not negative, got '0.02'"),
    (dict(type='ChannelDrop', threshold=None), 'not negative, got None'),
    (dict(type='ChannelDrop', threshold=math.nan), 'not negative, got nan'),
    (dict(type='ChannelDrop', scope='half'), "got 'half'"),
]


@pytest.mark.parametrize('M', [1, 2])
@pytest.mark.parametrize(('cfg', 'message'), WRONG)
def test_what_is_no_exchange_is_refused(cfg, message, M):
    with pytest.raises(ValueError, match=message):
        CENResNet(18, M, exchange=cfg, **NARROW)
    with pytest.raises(ValueError, match=message):
        CENUNet(M, num_downs=4, base_channels=4, exchange=cfg)
    with pytest.raises(ValueError, match=message):
        ModalityBN(C, M, exchange=cfg)
