import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.deployment.pooling import MatrixAvgPool2d, replace_pooling


@pytest.mark.parametrize('size', [(1, 1), (2, 5), (7, 6), (13, 64), (60, 80)])
@pytest.mark.parametrize('bins', [1, 2, 3, 6, (None, 4), (5, None)])
def test_matrices_average_as_adaptive_pooling_does(bins, size):
    x = torch.randn(2, 3, *size)
    expected = nn.AdaptiveAvgPool2d(bins)(x)
    height, width = (bins, bins) if isinstance(bins, int) else bins
    assert_close(MatrixAvgPool2d(height, width)(x), expected, rtol=1e-5, atol=1e-5)


def test_all_adaptive_pooling_of_a_module_is_replaced():
    network = nn.Sequential(nn.Sequential(nn.AdaptiveAvgPool2d((2, 3))), nn.ReLU())
    x = torch.randn(1, 2, 9, 7)
    expected = network(x)
    replace_pooling(network)
    assert not any(isinstance(m, nn.AdaptiveAvgPool2d) for m in network.modules())
    assert_close(network(x), expected, rtol=1e-5, atol=1e-5)
