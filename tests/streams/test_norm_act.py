import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import exchanging_norms, stream_state_dict, to_multimodal
from mmseg_cen.streams.norm_act import ModalityBNAct


class BatchNormAct2d(nn.BatchNorm2d):
    """As in timm: the activation belongs to the norm."""

    def __init__(self, num_features):
        super().__init__(num_features)
        self.drop = nn.Identity()
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.drop(super().forward(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.bn = BatchNormAct2d(4)

    def forward(self, x):
        return self.bn(self.conv(x))


def network():
    stem = nn.Conv2d(3, 4, 7, stride=4)
    net = nn.Sequential(stem, Block(), Block())
    for norm in (m for m in net.modules() if isinstance(m, BatchNormAct2d)):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return net


@pytest.mark.parametrize('M', [2, 3])
def test_streams_without_exchange_are_the_unimodal_network(M):
    alone = network()
    net = to_multimodal(network(), M, exchange_threshold=0.0)
    net.load_state_dict(alone.state_dict())
    assert len(exchanging_norms(net)) == 2
    x = torch.randn(2 * M, 3, 16, 16)
    out = net(x)
    for m in range(M):
        assert_close(out[m::M], alone(x[m::M]), rtol=1e-4, atol=1e-5)
    alone.load_state_dict(stream_state_dict(net, 1))


def test_channels_are_exchanged_before_the_activation():
    net = to_multimodal(network(), 2, exchange_threshold=0.0)
    norm = net[1].bn
    assert isinstance(norm, ModalityBNAct)
    norm.exchange_threshold = 1e9  # the own part of each: channels 0, 1 and 2, 3
    x = torch.randn(4, 4, 4, 4)
    packed = norm.norm(x.reshape(2, 8, 4, 4)).unflatten(1, (2, 4))
    rgb, depth = packed.unbind(1)
    # Each gives its own part away: channels 0 and 1 of the first, 2 and 3 of the next.
    expected = torch.cat([depth[:, :2], rgb[:, 2:]], 1).repeat_interleave(2, 0)
    assert_close(norm(x), expected.relu(), rtol=1e-4, atol=1e-5)
