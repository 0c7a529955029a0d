import pytest
import torch
from torch.testing import assert_close

from mmseg_cen.streams.exchange import exchanged_channels, replace_channels
from mmseg_cen.streams.one_pass import replace_in_one_pass


def features(M, channels_last=False, dtype=torch.float64):
    x = torch.randn(2, M, 10, 3, 4, dtype=dtype)
    if channels_last:
        x = x.movedim(2, -1).contiguous().movedim(-1, 2)
    return x.requires_grad_()


def masks(M, scope):
    gamma = torch.randn(M, 10).where(torch.rand(M, 10) < 0.4, 0)
    return exchanged_channels(gamma, 0.1, scope)


@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('scope', ['own', 'all'])
@pytest.mark.parametrize('M', [1, 2, 3, 4, 5])
def test_values_gradients_and_memory_format_are_those_of_the_definition(
    M, scope, channels_last
):
    x, replaced = features(M, channels_last), masks(M, scope)
    wanted = replace_channels(x, replaced)
    given = replace_in_one_pass(x, replaced)
    assert_close(given, wanted)
    assert given.stride() == x.stride()
    grad = torch.randn_like(wanted)
    gradients = [torch.autograd.grad(y, x, grad)[0] for y in (given, wanted)]
    assert_close(*gradients)


@pytest.mark.parametrize('M', [2, 3, 5])
def test_values_are_the_same_bit_by_bit(M):
    x, replaced = features(M, dtype=torch.float32), masks(M, 'all')
    wanted = replace_channels(x, replaced)
    assert torch.equal(replace_in_one_pass(x, replaced), wanted)


def test_what_is_replaced_is_never_looked_at():
    x, replaced = features(2), masks(2, 'own')
    broken = torch.where(replaced[:, :, None, None], torch.nan, x)
    assert_close(
        replace_in_one_pass(broken, replaced), replace_in_one_pass(x, replaced)
    )


def test_absent_modalities_get_the_definition():
    x, replaced = features(3), masks(3, 'own')
    present = torch.tensor([[True, False, True], [True, True, True]])
    given = replace_in_one_pass(x, replaced, present)
    assert torch.equal(given, replace_channels(x, replaced, present))


@pytest.mark.filterwarnings('ignore:.torch.jit.trace:DeprecationWarning')
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
def test_a_trace_holds_the_definition():
    x, replaced = features(2).detach(), masks(2, 'own')
    traced = torch.jit.trace(lambda x: replace_in_one_pass(x, replaced), x)
    other = torch.randn(3, 2, 10, 5, 5, dtype=x.dtype)
    assert torch.equal(traced(other), replace_channels(other, replaced))
