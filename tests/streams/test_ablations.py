"""The exchanges that the paper compares its own with, against their definitions."""

import math

import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.models import CENResNet, ModalityBN, exchanging_norms, own_part
from mmseg_cen.streams.exchanges import build_exchange

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


def build(name, M=2, **arguments):
    return build_exchange({'type': name, **arguments}, M, C)


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
    assert exchange.chosen(torch.zeros(4, 7)).sum(1).tolist() == [1] * 4  # not 1.75


def test_a_portion_beyond_the_own_part_is_refused_when_built():
    with pytest.raises(ValueError, match=r'at most 1/4 .* got portion=0.3: lower it'):
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


@pytest.mark.parametrize('name', VARIANTS)
@pytest.mark.parametrize('M', [2, 3])
def test_an_absent_stream_is_no_source(name, M):
    """Whatever is in it, NaN included, the others come out as if it were not there."""
    x, gamma = streams(M)
    exchange = build(name, M).double()
    present = torch.ones(B, M, dtype=torch.bool)
    assert_close(exchange(x, gamma, present), exchange(x, gamma))
    present[1, 0] = False
    out = exchange(x, gamma, present)
    assert_close(out[0], exchange(x, gamma)[0])
    x[1, 0] = torch.nan
    assert_close(exchange(x, gamma, present)[1, 1:], out[1, 1:])
    assert out.isfinite().all()
    if M == 2 and name != 'ChannelDrop':  # nobody to take channels from
        assert torch.equal(out[1, 1], x[1, 1])


@pytest.mark.parametrize('name', VARIANTS)
def test_every_variant_runs_in_a_network_and_adds_no_name_to_checkpoints(name):
    M = 3
    args = dict(depth=18, num_modalities=M, **NARROW)
    plain = CENResNet(**args)
    net = CENResNet(**args, exchange=dict(type=name))
    names = {type(norm.exchange).__name__ for norm in exchanging_norms(net).values()}
    assert names == {name}
    loaded = net.load_state_dict(plain.state_dict(), strict=False)
    assert not loaded.unexpected_keys
    gates = {f'{norm}.exchange.gate_logits' for norm in exchanging_norms(net)}
    assert set(loaded.missing_keys) == (gates if 'Gated' in name else set())
    x = torch.randn(2, 3 * M, 64, 64)
    out = net(x)[-1]
    out.sum().backward()
    assert out.isfinite().all()
    if 'Channel' not in name:  # those exchange nothing where every gamma is 1
        assert not torch.equal(out, plain(x)[-1])


@pytest.mark.parametrize('name', VARIANTS)
def test_a_unimodal_checkpoint_initializes_every_variant(name):
    unimodal = torch.nn.BatchNorm2d(C)
    torch.nn.init.normal_(unimodal.weight)
    norm = ModalityBN(C, 2, exchange=dict(type=name))
    norm.load_state_dict(unimodal.state_dict())
    assert_close(norm.gamma, unimodal.weight.expand(2, C))


def test_a_pattern_chooses_the_down_sampling_stages():
    exchange = dict(type='FixedPortionExchange')
    net = CENResNet(50, pattern=r'layer[234]\.0\.', exchange=exchange, **NARROW)
    assert list(exchanging_norms(net)) == [f'layer{i}.0.bn2' for i in (2, 3, 4)]


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (dict(type='RandomExchange', portion=30), r'in \[0, 1\], got 30'),
        (dict(type='RandomExchange', seed=1.5), 'an integer, got 1.5'),
        (dict(type='FixedPortionExchange', portion='0.3'), r"in \[0, 1\], got '0.3'"),
        (dict(type='FixedPortionExchange', portion=None), r'in \[0, 1\], got None'),
        (dict(type='FixedPortionExchange', portion=math.nan), r'in \[0, 1\], got nan'),
        (dict(type='FixedPortionExchange', scope='half'), "got 'half'"),
    ],
)
def test_arguments_out_of_their_range_are_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg)
