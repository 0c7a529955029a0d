"""A convolution with its norm and its exchange is the three of them."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.freezing.carrier import as_folded
from mmseg_cen.freezing.layers import FrozenConv
from mmseg_cen.streams.norm import ModalityBN


@pytest.mark.parametrize('padding_mode', ['zeros', 'reflect', 'circular'])
def test_groups_of_channels_are_padded_as_the_convolution_pads(padding_mode):
    conv = nn.Conv2d(16, 16, 3, padding=1, groups=4, padding_mode=padding_mode)
    norm = ModalityBN(16, num_modalities=2, exchange_threshold=0.5).eval()
    norm.gamma.data[0, :8] = norm.gamma.data[1, 8:] = 0.1  # all own parts
    x = torch.rand(4, 16, 5, 6)
    frozen = FrozenConv(conv, norm, x)
    assert not frozen.whole
    assert frozen.groups == [(2, 2), (0, 2)]
    with torch.no_grad():
        assert_close(as_folded(frozen(x)), norm(conv(x)))
