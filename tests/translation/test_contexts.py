"""Laws of the contexts in which a network runs otherwise than it is set."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.translation.contexts import released_evaluation, without_gradients


def network():
    norm = nn.InstanceNorm2d(2, affine=True, track_running_stats=True)
    return nn.Sequential(nn.Conv2d(2, 2, 1), norm, nn.Dropout(0.5)).double()


def test_gradients_reach_the_input_but_not_the_weights():
    net, x = network(), torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    net[1].bias.requires_grad_(False)  # and stays frozen
    with without_gradients(net) as frozen:
        frozen(x).square().sum().backward()
    assert x.grad.any()
    assert all(parameter.grad is None for parameter in net.parameters())
    trained = [name for name, p in net.named_parameters() if p.requires_grad]
    assert trained == ['0.weight', '0.bias', '1.weight']


def test_the_released_evaluation_is_train_mode_without_new_statistics():
    net, x = network().eval(), torch.randn(2, 2, 3, 3, dtype=torch.float64)
    before = copy.deepcopy(net.state_dict())
    torch.manual_seed(1)
    with released_evaluation(net):
        found = net(x)
    assert_close(net.state_dict(), before, rtol=0, atol=0)
    torch.manual_seed(1)
    assert_close(found, net.train()(x))


@pytest.mark.parametrize('context', [released_evaluation, without_gradients])
def test_a_network_is_as_before_even_after_an_error(context):
    net = network().eval()
    with pytest.raises(RuntimeError), context(net):
        net(torch.zeros(1, 5, 3, 3, dtype=torch.float64))
    assert not any(module.training for module in net.modules())
    assert net[1].momentum == 0.1
    assert all(parameter.requires_grad for parameter in net.parameters())
