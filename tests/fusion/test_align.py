import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.fusion import AlignFusion, mk_mmd


def mmd_by_loops(x, y, num_kernels, factor):
    """The definition, one pair of samples at a time."""
    x, y = x.detach(), y.detach()
    rows = [*x, *y]
    pairs = [(a, b) for a in rows for b in rows]
    total = sum(float((a - b).square().sum()) for a, b in pairs)
    bandwidth = total / (len(rows) ** 2 - len(rows))

    def kernel(a, b):
        distance = float((a - b).square().sum())
        return sum(
            math.exp(-distance / (bandwidth * factor ** (i - num_kernels // 2)))
            for i in range(num_kernels)
        )

    def mean(of, to):
        return sum(kernel(a, b) for a in of for b in to) / (len(of) * len(to))

    return mean(x, x) + mean(y, y) - mean(x, y) - mean(y, x)


@pytest.mark.parametrize(
    ('num_kernels', 'factor', 'n', 'm'),
    [(11, 2.0, 3, 6), (5, 2.0, 5, 5), (4, 1.4, 3, 6)],
)
def test_the_discrepancy_is_that_of_a_double_loop(num_kernels, factor, n, m):
    x = torch.randn(n, 7, dtype=torch.double)
    y = torch.randn(m, 7, dtype=torch.double) + 0.5
    expected = mmd_by_loops(x, y, num_kernels, factor)
    assert mk_mmd(x, y, num_kernels, factor).item() == pytest.approx(expected)


def test_equal_samples_have_no_discrepancy():
    x = torch.randn(6, 4, dtype=torch.double)
    assert_close(mk_mmd(x, x.flip(0)), torch.zeros((), dtype=torch.double))
    same = torch.ones(4, 3, requires_grad=True)  # no distance at all
    loss = mk_mmd(same, same.clone())
    assert loss == 0
    loss.backward()
    assert same.grad.isfinite().all()


def test_it_grows_with_the_distance_of_the_distributions():
    x, y = torch.randn(2, 64, 4)
    values = [mk_mmd(x, y + shift).item() for shift in (0.0, 0.5, 2.0, 8.0)]
    assert values == sorted(values)
    assert values[0] >= 0


def test_the_bandwidth_counts_as_a_constant():
    """The gradient is that of fixed kernels, by finite differences."""
    x, y = torch.randn(2, 4, 3, dtype=torch.double)
    rows = torch.cat([x, y])
    bandwidth = torch.cdist(rows, rows).square().sum() / (8 * 7)

    def fixed(x):
        def mean(a, b):
            d = (a[:, None] - b).square().sum(-1)
            return sum((-d / (bandwidth * 2.0**i)).exp() for i in range(-5, 6)).mean()

        return mean(x, x) + mean(y, y) - 2 * mean(x, y)

    x.requires_grad_()
    (gradient,) = torch.autograd.grad(mk_mmd(x, y), x)
    assert_close(gradient, torch.autograd.functional.jacobian(fixed, x.detach()))
    assert torch.autograd.gradcheck(fixed, (x,))


def random_fusion(M, **kwargs):
    fusion = AlignFusion(4, num_modalities=M, **kwargs).double()
    for p in fusion.parameters():
        nn.init.normal_(p, std=0.5)
    return fusion


@pytest.mark.parametrize('M', [2, 3])
def test_streams_join_specific_and_common_features(M):
    fusion = random_fusion(M)
    x = torch.randn(2, M, 4, 8, 6, dtype=torch.double)

    def conv(layer, f):
        out = torch.einsum('oc,bchw->bohw', layer.weight[..., 0, 0], f)
        return out + layer.bias[:, None, None]

    common = [conv(fusion.common[m], x[:, m]).clamp(min=0) for m in range(M)]
    specific = [conv(fusion.specific[m], x[:, m]).clamp(min=0) for m in range(M)]
    out = fusion(x)
    for m in range(M):
        others = sum(common[n] for n in range(M) if n != m) / (M - 1)
        parts = torch.cat([specific[m], common[m], others], dim=1)
        assert_close(out.streams[:, m], conv(fusion.join[m], parts))


@pytest.mark.parametrize('M', [2, 3])
def test_the_loss_draws_common_features_together_and_drives_specific_ones_apart(M):
    fusion = random_fusion(M, common_weight=0.3, specific_weight=0.2, grid=2)
    x = torch.randn(2, M, 4, 8, 6, dtype=torch.double)

    def samples(layers, m):  # of 2 x 2 cells of 4 x 3 pixels
        f = torch.relu(layers[m](x[:, m]))
        cells = [
            f[:, :, 4 * i : 4 * i + 4, 3 * j : 3 * j + 3].mean(dim=(2, 3))
            for i in range(2)
            for j in range(2)
        ]
        return torch.stack(cells, dim=1).flatten(0, 1)

    def discrepancy(layers):
        values = [
            mmd_by_loops(samples(layers, a), samples(layers, b), 11, 2.0)
            for a in range(M)
            for b in range(a)
        ]
        return sum(values) / len(values)

    expected = 0.3 * discrepancy(fusion.common) - 0.2 * discrepancy(fusion.specific)
    assert fusion(x).loss.item() == pytest.approx(expected)


def test_there_is_no_loss_at_test():
    assert random_fusion(2).eval()(torch.randn(1, 2, 4, 8, 8).double()).loss is None


def test_the_loss_is_computed_in_single_precision():
    fusion = AlignFusion(4)
    x = torch.randn(2, 2, 4, 8, 8)
    exact = fusion(x).loss
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = fusion(x).loss
    assert loss.dtype == torch.float32
    assert_close(loss, exact, rtol=0.05, atol=1e-3)
