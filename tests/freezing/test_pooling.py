"""Max pooling is the same in another memory format."""

import pytest
import torch
from torch import nn

from mmseg_cen.freezing.pooling import FrozenMaxPool, is_plain_pool


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_values_and_memory_format_stay(layout):
    pool = nn.MaxPool2d(3, stride=2, padding=1)
    x = torch.randn(2, 4, 7, 8).contiguous(memory_format=layout)
    pooled = FrozenMaxPool(pool)(x)
    assert torch.equal(pooled, pool(x))
    assert pooled.is_contiguous(memory_format=layout)


def test_a_pooling_that_returns_places_stays_as_it_is():
    assert is_plain_pool(nn.MaxPool2d(2))
    assert not is_plain_pool(nn.MaxPool2d(2, return_indices=True))
