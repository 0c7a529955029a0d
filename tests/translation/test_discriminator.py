"""Laws of the discriminator."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mmseg_cen.translation import PatchDiscriminator


def test_it_computes_the_layers_of_pix2pix():
    net = PatchDiscriminator(in_channels=4, base_channels=4).double()
    sources = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    target = torch.randn(2, 1, 64, 64, dtype=torch.float64)
    x = torch.cat([sources, target], dim=1)
    for i, stride in enumerate([2, 2, 2, 1, 1], start=1):
        layer = net.layers[f'conv{i}']
        x = F.leaky_relu(x, 0.2) if i > 1 else x
        x = F.conv2d(x, layer.conv.weight, layer.conv.bias, stride, padding=1)
        if 1 < i < 5:
            torch.nn.init.normal_(layer.norm.weight)
            torch.nn.init.normal_(layer.norm.bias)
            var, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
            x = (x - mean) / (var + 1e-5).sqrt() * layer.norm.weight.view(-1, 1, 1)
            x = x + layer.norm.bias.view(-1, 1, 1)
    assert x.shape == (2, 1, 6, 6)
    widths = [layer.conv.out_channels for layer in net.layers.values()]
    assert widths == [4, 8, 16, 32, 1]
    assert_close(net(sources, target), x)


@pytest.mark.parametrize(('num_strided', 'patch'), [(1, 16), (2, 34), (3, 70)])
def test_an_output_looks_at_one_patch(num_strided, patch):
    net = PatchDiscriminator(6, 2, num_strided).double().eval()
    x = torch.randn(1, 3, 128, 128, dtype=torch.float64, requires_grad=True)
    logits = net(x, x)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], x)
    rows = gradient.abs().amax((0, 1, 3)).nonzero().flatten()
    assert rows.max() - rows.min() + 1 == patch


@pytest.mark.parametrize('num_strided', [1, 2, 3])
def test_images_that_are_too_small_for_a_patch_are_refused(num_strided):
    net = PatchDiscriminator(6, 2, num_strided).train()
    least = 3 * 2**num_strided
    x = torch.randn(1, 3, least, least)
    assert net(x, x).shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match=f'at least {least} pixels'):
        net(x[..., 1:], x[..., 1:])


@pytest.mark.parametrize('name', ['in_channels', 'base_channels', 'num_strided'])
def test_arguments_that_are_not_positive_are_refused(name):
    with pytest.raises(ValueError, match=f'`{name}`.* must be positive'):
        PatchDiscriminator(**{name: 0})


def test_other_channels_are_refused():
    net = PatchDiscriminator(in_channels=6)
    with pytest.raises(ValueError, match=r'in_channels=6 together, got 3 \+ 1'):
        net(torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64))
