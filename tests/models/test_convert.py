import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import ModalityBN, ModalityIN, split_streams, to_multimodal


def network():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8, eps=1e-3, momentum=0.3),
        nn.Sequential(nn.ReLU(), nn.Conv2d(8, 4, 1), nn.InstanceNorm2d(4, affine=True)),
    )
    nn.init.normal_(net[1].weight)
    return net.double()


@pytest.mark.parametrize('training', [True, False])
def test_each_stream_computes_what_the_unimodal_module_computes(training):
    unimodal = network().train(training)
    multimodal = to_multimodal(network().train(training), 3)
    x = torch.randn(2 * 3, 3, 8, 8, dtype=torch.double)
    streams = split_streams(x, 3)
    out = split_streams(multimodal(x), 3)
    for m in range(3):
        unimodal.load_state_dict(network().state_dict())
        assert_close(out[:, m], unimodal(streams[:, m]))


def test_settings_of_the_norm_survive():
    net = network()
    net[1].weight.requires_grad_(False)
    net[2][2].eval()
    to_multimodal(net, 2)
    assert isinstance(net[1], ModalityBN)
    assert isinstance(net[2][2], ModalityIN)
    assert (net[1].norm.eps, net[1].norm.momentum) == (1e-3, 0.3)
    assert not net[1].norm.weight.requires_grad
    assert net[1].norm.bias.requires_grad
    assert net[1].norm.training
    assert not net[2][2].norm.training
    assert net[1].norm.weight.dtype == torch.double


def test_sync_bn_stays_synchronized():
    net = to_multimodal(nn.Sequential(nn.SyncBatchNorm(4)), 2)
    assert isinstance(net[0].norm, nn.SyncBatchNorm)
    assert net[0].norm.num_features == 8


def test_converting_twice_changes_nothing():
    net = to_multimodal(network(), 2)
    norms = [net[1], net[2][2]]
    to_multimodal(net, 2)
    assert [net[1], net[2][2]] == norms
