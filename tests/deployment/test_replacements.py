import pytest
import torch
from mmseg.models.utils import resize
from torch import nn
from torch.testing import assert_close

from mmseg_cen.deployment.replacements import (
    FixedExchange,
    fix_exchange,
    sizes_as_symbols,
    weighted_sum,
)
from mmseg_cen.models.ensembles import weighted_mean
from mmseg_cen.streams.norm import ModalityBN


@pytest.mark.parametrize('scope', ['own', 'all'])
@pytest.mark.parametrize('num_modalities', [2, 3])
def test_a_fixed_exchange_replaces_the_channels_that_were_small(num_modalities, scope):
    norm = ModalityBN(8, num_modalities, 2e-2, scope).eval()
    norm.norm.weight.data[torch.rand(8 * num_modalities) < 0.5] = 1e-3
    x = torch.randn(2 * num_modalities, 8, 3, 4)
    expected = norm(x)
    fix_exchange(nn.Sequential(norm))
    assert isinstance(norm.exchange, FixedExchange)
    assert torch.equal(norm(x), expected)


@pytest.mark.parametrize('exchange', ['FixedPortionExchange', 'RandomExchange'])
def test_a_fixed_number_of_channels_is_as_constant(exchange):
    norm = ModalityBN(8, 2, exchange=dict(type=exchange)).eval()
    nn.init.normal_(norm.norm.weight)
    x = torch.randn(4, 8, 3, 4)
    expected = norm(x)
    fix_exchange(nn.Sequential(norm))
    assert isinstance(norm.exchange, FixedExchange)
    assert torch.equal(norm(x), expected)


def test_a_norm_without_small_scaling_factors_no_longer_exchanges():
    norm = ModalityBN(8, 2, 2e-2).eval()
    fix_exchange(nn.Sequential(norm))
    assert norm.exchange is None


def test_the_weighted_sum_is_the_weighted_mean():
    head = nn.Module()
    head.alpha_logits = nn.Parameter(torch.randn(3))
    streams = torch.randn(2, 3, 4, 5, 6)
    expected = weighted_mean(streams, head.alpha_logits)
    assert_close(weighted_sum(head, streams), expected, rtol=1e-5, atol=1e-5)


def test_resizing_reads_no_sizes_within_the_context_and_as_before_behind_it():
    x, before = torch.randn(1, 1, 4, 4), resize.__defaults__
    with sizes_as_symbols():
        resize(x, (9, 10), mode='bilinear', align_corners=True)  # else warns: an error
    assert resize.__defaults__ == before
