import pytest
import torch
from torch.testing import assert_close

from mmseg_cen.streams.exchanges import build_exchange
from mmseg_cen.streams.groups import GroupedExchange, have_partners, mean_of_partners
from mmseg_cen.streams.norm import ModalityBN
from mmseg_cen.streams.sparsity import exchange_shares, penalized

GROUPS = ((0, 3), (1, 4, 2), (5,))


def mean_by_loops(x, groups, present):
    """Stream by stream, as Eq. 6 reads."""
    out = torch.zeros_like(x)
    for b in range(x.shape[0]):
        for group in groups:
            for m in group:
                others = [x[b, n] for n in group if n != m and present[b, n]]
                if others:
                    out[b, m] = sum(others) / len(others)
    return out


def test_partners_are_the_other_existing_streams_of_the_group():
    x = torch.randn(4, 6, 2, 3, 3)
    everything = torch.ones(4, 6, dtype=torch.bool)
    assert_close(mean_of_partners(x, GROUPS), mean_by_loops(x, GROUPS, everything))
    present = torch.rand(4, 6) < 0.6
    found = mean_of_partners(x, GROUPS, present)
    assert_close(found, mean_by_loops(x, GROUPS, present))


def test_a_stream_alone_in_its_group_gives_nothing_away():
    assert have_partners(GROUPS, 6).tolist() == [[True] * 5 + [False]]
    exchange = build_exchange(
        dict(type='GroupedExchange', groups=GROUPS, threshold=2.0, scope='all'), 6, 4
    )
    x, gamma = torch.randn(2, 6, 4, 3, 3), torch.rand(6, 4)
    out = exchange(x, gamma)
    assert_close(out[:, 5], x[:, 5])
    assert_close(out[:, 0], x[:, 3])  # of two partners, an exact swap
    present = torch.tensor([[True, True, True, False, True, True]] * 2)
    assert_close(exchange(x, gamma, present)[:, 0], x[:, 0])


@pytest.mark.parametrize('scope', ['own', 'all'])
def test_one_group_of_all_is_the_exchange_of_the_paper(scope):
    options = dict(threshold=0.5, scope=scope)
    grouped = dict(type='GroupedExchange', groups=[[0, 1, 2]], **options)
    exchanges = [
        build_exchange(config, 3, 7)
        for config in (grouped, dict(type='ChannelExchange', **options))
    ]
    x, gamma = torch.randn(2, 3, 7, 4), torch.rand(3, 7)
    present = torch.tensor([[True, False, True], [True, True, True]])
    for mask in (None, present):
        one, other = (exchange(x, gamma, mask) for exchange in exchanges)
        assert_close(one, other)


def test_threshold_0_exchanges_nothing():
    x = torch.randn(2, 2, 4, 3)
    assert GroupedExchange([[0, 1]], threshold=0)(x, torch.zeros(2, 4)) is x


@pytest.mark.parametrize(
    'groups', [[[0, 1]], [[0, 1], [1, 2]], [[0, 1, 2, 3]], [[0, 1, 2], []]]
)
def test_groups_of_other_streams_are_refused(groups):
    with pytest.raises(ValueError, match='`groups` must have each of the streams'):
        build_exchange(dict(type='GroupedExchange', groups=groups), 3, 4)


@pytest.mark.parametrize('scope', ['own', 'all'])
def test_factors_of_a_stream_without_a_partner_are_not_penalized(scope):
    """They would be driven to zero, and nothing would replace their channels."""
    exchange = dict(type='GroupedExchange', groups=[[0, 1], [2]], threshold=2.0)
    norm = ModalityBN(6, 3, exchange=exchange)
    ((found, mask),) = penalized(norm, scope)
    assert found is norm
    assert mask.any(1).tolist() == [True, True, False]
    shares = exchange_shares(norm, ('a', 'b', 'c'))
    assert [shares[f'{name}/own'] for name in 'abc'] == [1, 1, 0]
    norm.set_exchange({**exchange, 'groups': [[0], [1], [2]]})
    assert [*penalized(norm, scope)] == []
