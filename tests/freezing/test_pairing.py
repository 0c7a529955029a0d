"""A probe shows which norm belongs to which convolution."""

import torch
from torch import nn

from mmseg_cen.freezing.pairing import Pairing
from mmseg_cen.streams.norm import ModalityBN


class Crossed(nn.Module):
    """Norms are registered in another order than they run."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
        self.of_second, self.of_first = ModalityBN(4, 2), ModalityBN(4, 2)

    def forward(self, x):
        x = self.of_first(self.first(x))
        return self.of_second(self.second(x))


class Twice(Crossed):
    def forward(self, x):
        return super().forward(x) + self.of_first(self.first(x))


class Looked(Crossed):
    def forward(self, x):
        x = self.first(x)
        return self.of_second(self.second(self.of_first(x) + x))


def pairs(network):
    pairing = Pairing()
    with torch.no_grad(), pairing.watch(network.eval()):
        network(torch.zeros(2, 3, 4, 4))
    return {(pair.conv, pair.norm_layer) for pair in pairing.pairs()}


def test_the_order_of_calls_counts():
    network = Crossed()
    expected = {(network.first, network.of_first), (network.second, network.of_second)}
    assert pairs(network) == expected


def test_a_layer_that_is_called_twice_stays_as_it_is():
    network = Twice()
    assert pairs(network) == {(network.second, network.of_second)}


def test_a_convolution_that_others_look_at_stays_as_it_is():
    network = Looked()
    assert pairs(network) == {(network.second, network.of_second)}
