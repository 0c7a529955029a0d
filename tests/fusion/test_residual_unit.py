import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mmseg_cen.fusion.residual_unit import ResidualConvUnit, convolution


def conv(layer, x):
    return F.conv2d(x, layer.conv.weight, layer.conv.bias, padding=1)


@pytest.mark.parametrize('rectify', [False, True])
def test_residual_conv_unit_equals_its_formula(rectify):
    unit = ResidualConvUnit(4, rectify_residual=rectify)
    x = torch.randn(2, 4, 6, 6)
    y = conv(unit.conv2, conv(unit.conv1, x.relu()).relu())
    assert_close(unit(x), (x.relu() if rectify else x) + y)


def test_a_3x3_convolution_has_a_norm_if_configured_and_no_activation():
    layer = convolution(3, 4, None)
    assert (layer.conv.bias, layer.with_norm, layer.with_activation) == (
        None,
        False,
        False,
    )
    assert layer(torch.zeros(1, 3, 5, 6)).shape == (1, 4, 5, 6)
    assert convolution(3, 4, dict(type='BN')).with_norm


def test_only_the_first_convolution_of_a_unit_without_norms_has_a_bias():
    def biases(**kwargs):
        names = [name for name, _ in ResidualConvUnit(4, **kwargs).named_parameters()]
        return [name for name in names if name.endswith('conv.bias')]

    assert biases() == ['conv1.conv.bias']
    assert biases(norm_cfg=dict(type='BN')) == []
