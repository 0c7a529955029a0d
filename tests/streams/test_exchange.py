import pytest
import torch
from torch.testing import assert_close

from mmseg_cen.models import exchange_channels, exchanged_channels, own_part
from mmseg_cen.streams.exchange import check_scope

SCOPES = ['own', 'all']


def by_definition(x, gamma, threshold, scope):
    """Eq. 6 channel by channel."""
    M, C = gamma.shape
    out = x.clone()
    parts = torch.arange(C).tensor_split(M)
    for m in range(M):
        allowed = set(range(C)) if scope == 'all' else set(parts[m].tolist())
        for c in allowed:
            if abs(gamma[m, c]) < threshold and M > 1:
                out[:, m, c] = sum(x[:, n, c] for n in range(M) if n != m) / (M - 1)
    return out


@pytest.fixture
def x():
    return torch.randn(2, 3, 7, 5, 5, dtype=torch.double)


@pytest.mark.parametrize(('M', 'C'), [(1, 4), (2, 4), (2, 5), (3, 8), (4, 3)])
def test_own_parts_are_the_equal_slices_of_tensor_split(M, C):
    mask = own_part(M, C)
    for m, channels in enumerate(torch.arange(C).tensor_split(M)):
        assert mask[m].nonzero().flatten().tolist() == channels.tolist()
    assert mask.sum(0).eq(1).all()  # disjoint, and together all channels


@pytest.mark.parametrize('scope', SCOPES)
@pytest.mark.parametrize('M', [1, 2, 3, 4])
def test_exchange_equals_equation_6(M, scope):
    x = torch.randn(2, M, 9, 3, 4, dtype=torch.double)
    gamma = torch.randn(M, 9, dtype=torch.double)
    out = exchange_channels(x, gamma, 0.7, scope)
    assert_close(out, by_definition(x, gamma, 0.7, scope))


@pytest.mark.parametrize('scope', SCOPES)
def test_threshold_zero_exchanges_nothing(x, scope):
    assert torch.equal(exchange_channels(x, torch.zeros(3, 7), 0.0, scope), x)


def test_the_boundary_is_kept():
    assert not exchanged_channels(torch.tensor([[0.5], [0.5]]), 0.5, 'all').any()


def test_exchange_of_two_modalities_is_an_exact_swap():
    pair = torch.randn(2, 2, 4, 5, 5)
    out = exchange_channels(pair, torch.zeros(2, 4), 0.5, 'all')
    assert torch.equal(out, pair.flip(1))


def test_a_modality_gives_away_channels_of_its_own_part_only():
    pair = torch.randn(2, 2, 4, 5, 5)
    out = exchange_channels(pair, torch.zeros(2, 4), 0.5)
    assert torch.equal(out[:, 0, :2], pair[:, 1, :2])
    assert torch.equal(out[:, 0, 2:], pair[:, 0, 2:])
    assert torch.equal(out[:, 1, :2], pair[:, 1, :2])
    assert torch.equal(out[:, 1, 2:], pair[:, 0, 2:])


def test_exchanging_all_channels_preserves_their_mean_over_modalities(x):
    out = exchange_channels(x, torch.zeros(3, 7), 0.5, 'all')
    assert_close(out.mean(1), x.mean(1))


@pytest.mark.parametrize('scope', SCOPES)
def test_exchange_depends_on_the_magnitude_of_gamma_only(x, scope):
    gamma = torch.randn(3, 7)
    assert torch.equal(
        exchange_channels(x, gamma, 0.5, scope),
        exchange_channels(x, -gamma, 0.5, scope),
    )


def test_equal_streams_are_a_fixed_point():
    x = torch.randn(2, 1, 6, 4, 4).expand(-1, 2, -1, -1, -1)
    assert torch.equal(exchange_channels(x, torch.zeros(2, 6), 0.5, 'all'), x)


@pytest.mark.parametrize('M', [2, 3])
def test_a_replaced_channel_gets_no_gradient_and_its_sources_do(M):
    x = torch.randn(1, M, 1, 3, 3, requires_grad=True)
    gamma = torch.ones(M, 1)
    gamma[0] = 0
    exchange_channels(x, gamma, 0.5, 'all')[:, 0].sum().backward()
    assert x.grad[:, 0].eq(0).all()
    assert_close(x.grad[:, 1:], torch.full_like(x.grad[:, 1:], 1 / (M - 1)))


def test_an_unknown_scope_is_refused():
    with pytest.raises(ValueError, match=r"'own'.*'all'.*got 'half'"):
        check_scope('half')


def by_definition_of_present(x, gamma, threshold, scope, present):
    """Eq. 6 sample by sample, over the network of the modalities that it has."""
    M, C = gamma.shape
    out = x.clone()
    parts = torch.arange(C).tensor_split(M)
    for b, m in present.nonzero().tolist():
        sources = [n for n in range(M) if n != m and present[b, n]]
        allowed = set(range(C)) if scope == 'all' else set(parts[m].tolist())
        for c in allowed:
            if abs(gamma[m, c]) < threshold and sources:
                out[b, m, c] = sum(x[b, n, c] for n in sources) / len(sources)
    return out


@pytest.mark.parametrize('scope', SCOPES)
@pytest.mark.parametrize('M', [1, 2, 3, 4])
def test_the_mean_is_over_the_other_present_modalities(M, scope):
    x = torch.randn(9, M, 9, 3, 4, dtype=torch.double)
    gamma = torch.randn(M, 9, dtype=torch.double)
    present = torch.rand(9, M) < 0.5
    present[torch.arange(9), torch.arange(9) % M] = True
    expected = by_definition_of_present(x, gamma, 0.7, scope, present)
    x[~present] = torch.nan  # whatever an absent stream holds
    out = exchange_channels(x, gamma, 0.7, scope, present)
    assert_close(out[present], expected[present])


@pytest.mark.parametrize('M', [2, 3, 4])
def test_with_all_present_the_exchange_is_the_same_to_the_last_bit(M):
    x, gamma = torch.randn(2, M, 9, 3, 4), torch.randn(M, 9)
    present = torch.ones(2, M, dtype=torch.bool)
    out = exchange_channels(x, gamma, 0.7, 'all', present)
    assert torch.equal(out, exchange_channels(x, gamma, 0.7, 'all'))
