"""Layers know which streams are on the batch axis, and which of them are present."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mmseg_cen.models import ModalityBN, present_modalities
from mmseg_cen.streams.context import StreamAware, streams_on_batch


def test_every_layer_knows_the_streams_and_forgets_them_afterwards():
    net = nn.Sequential(StreamAware(), nn.Sequential(StreamAware())).eval()
    layers = [net[0], net[1][0]]
    mask = torch.tensor([[True, False], [True, True]])
    with streams_on_batch(net, 4, mask):
        assert [(m.num_streams, m.present is mask) for m in layers] == [(4, True)] * 2
    assert [(m.num_streams, m.present) for m in layers] == [(None, None)] * 2


def test_the_mask_is_by_default_that_of_the_surrounding_context():
    layer, mask = StreamAware(), torch.tensor([[True, False]])
    with present_modalities(mask), streams_on_batch(layer, 2):
        assert layer.present is mask


def test_a_mask_of_another_number_of_streams_is_refused():
    mask = torch.tensor([[True, False]])
    with (
        pytest.raises(ValueError, match=r'B\*M=4 streams of the input, got \(1, 2\)'),
        streams_on_batch(StreamAware(), 4, mask),
    ):
        pass


def test_something_else_on_the_batch_axis_is_refused():
    """Rather than to mix the modalities silently."""
    net = nn.Sequential(ModalityBN(5, 2))
    with (
        streams_on_batch(net, 4),
        pytest.raises(ValueError, match=r'B\*M=4 streams .* got a batch of 8'),
    ):
        net(torch.randn(8, 5, 3, 3))
    net(torch.randn(8, 5, 3, 3))


def test_gradient_checkpointing_does_not_forget_what_is_absent():
    """It computes the layer again in the backward pass, beyond the context."""
    norm = ModalityBN(4, 3, exchange_threshold=10.0, exchange_scope='all')
    present = torch.tensor([[True, False, True], [True, True, True]])
    grads = []
    for checkpointed in (False, True):
        x = torch.randn(
            6, 4, 3, 3, generator=torch.Generator().manual_seed(0)
        ).requires_grad_()
        with streams_on_batch(norm, 6, present):
            out = checkpoint(norm, x, use_reentrant=True) if checkpointed else norm(x)
        out.pow(3).sum().backward()
        grads.append(x.grad)
    torch.testing.assert_close(*grads)


def test_layers_behind_a_checkpointed_norm_may_work_in_place():
    """As the ReLUs of all backbones do."""
    norm, relu = ModalityBN(4, 2), nn.ReLU(inplace=True)
    x = torch.randn(4, 4, 3, 3, requires_grad=True)
    expected = torch.autograd.grad(relu(norm(x)).pow(3).sum(), x)[0]
    relu(checkpoint(norm, x, use_reentrant=True)).pow(3).sum().backward()
    torch.testing.assert_close(x.grad, expected)
