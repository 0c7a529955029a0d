"""Theorem 1: the probability that a scaling factor is attracted by zero."""

import math

import pytest
import torch

from mmseg_cen.models import ModalityBN

CHANNELS = 8000


@pytest.mark.parametrize(
    ('penalty', 'gradient'), [(0.1, 1.0), (0.5, 0.5), (1.0, 0.5), (2.0, 1.0)]
)
@pytest.mark.parametrize('noise', [torch.randn, torch.rand], ids=['normal', 'uniform'])
def test_zero_attracts_with_the_probability_of_theorem_1(penalty, gradient, noise):
    r"""It is 2 Phi(lambda / |dL/dx'|) - 1, by simulation.

    A layer with scaling factors -e, 0 and e has a local minimum at 0 where the loss and
    the penalty together are smallest there. The gradient of the loss in x' is spread
    over the pixels, with signs at random and the given norm: what the proof calls
    standard Gaussian is a sum over pixels then, by the central limit theorem.
    """
    torch.manual_seed(0)
    pixels = 32
    x = noise(2, CHANNELS, pixels, 1, dtype=torch.double)
    direction = torch.randn(CHANNELS, pixels, 1, dtype=torch.double)
    # Of mean 0: what is left is orthogonal to the offset, which the loss does not move.
    direction -= direction.mean(1, keepdim=True)
    direction *= gradient / direction.norm(dim=1, keepdim=True)

    def objective(gamma):
        norm = ModalityBN(CHANNELS, 1).double()
        torch.nn.init.constant_(norm.norm.weight, gamma)
        out = norm(x)[0]
        return (direction * out).sum((1, 2)) + penalty * abs(gamma)

    with torch.no_grad():
        below, at, above = (objective(gamma) for gamma in (-1e-3, 0.0, 1e-3))
    attracted = ((below > at) & (above > at)).double().mean().item()
    probability = math.erf(penalty / gradient / math.sqrt(2))  # = 2 Phi - 1
    assert attracted == pytest.approx(probability, abs=0.02)
