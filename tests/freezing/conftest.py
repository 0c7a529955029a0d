"""Shared by the tests of the frozen exchange: networks whose every number is random."""

from functools import partial

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_cen.streams.exchange import own_part
from mmseg_cen.streams.norm import ModalityNorm

RESNET = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)


def drawn(network, share):
    """A network in eval mode with random norms, which exchange a share of own parts."""
    for norm in network.modules():
        if not isinstance(norm, ModalityNorm):
            continue
        layer = norm.norm
        with torch.no_grad():
            for tensor in (layer.weight, layer.running_var):
                if tensor is not None:
                    tensor.uniform_(0.5, 1.5)
            for tensor in (layer.bias, layer.running_mean):
                if tensor is not None:
                    tensor.uniform_(-0.5, 0.5)
            if norm.exchange is not None:
                part = own_part(*norm.gamma.shape)
                norm.gamma[part & (torch.rand(part.shape) < share)] = 1e-3
    return network.eval()


@pytest.fixture
def network():
    """Builds a backbone that exchanges a share of the own parts of its channels."""

    def build(share=1.0, num_modalities=2, backbone=RESNET, **places):
        cfg = dict(type='CENBackbone', backbone=backbone, num_modalities=num_modalities)
        return drawn(MODELS.build({**cfg, **places}), share)

    return build


@pytest.fixture
def drawn_at():
    """Gives a network random norms, which exchange a share of the own parts."""
    return lambda share: partial(drawn, share=share)


@pytest.fixture
def same():
    """Whether two networks compute the same, up to rounding."""

    def check(network, frozen, x, tolerance=1e-5):
        with torch.no_grad():
            for expected, found in zip(network(x), frozen(x), strict=True):
                assert (
                    found - expected
                ).abs().max() <= tolerance * expected.abs().max()

    return check
