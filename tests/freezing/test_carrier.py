"""Equal streams behave as the folded tensor they stand for."""

import pytest
import torch
import torch.nn.functional as F

from mmseg_cen.freezing.carrier import Shared

M = 3


def pair(order=None):
    once = torch.randn(2, 4, 5, 6)
    shared = Shared(once if order is None else once[:, order], M, order)
    return shared, once.repeat_interleave(M, dim=0)


@pytest.mark.parametrize('order', [None, (2, 3, 0, 1), (3, 1, 0, 2)])
@pytest.mark.parametrize(
    'function',
    [
        lambda x: F.relu(x, inplace=True),
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.conv2d(
            x, torch.ones(1, 4, 1, 1) * torch.arange(4).view(1, 4, 1, 1)
        ),
        lambda x: x + x,
        lambda x: 2 * x - 1,
        lambda x: torch.cat([x, x], dim=1),
    ],
)
def test_functions_of_images_are_computed_once(function, order):
    shared, folded = pair(order)
    result = function(shared)
    assert isinstance(result, Shared)
    torch.testing.assert_close(result.folded(), function(folded))


@pytest.mark.parametrize('order', [None, (2, 3, 0, 1)])
@pytest.mark.parametrize(
    'function',
    [
        lambda x, y: x + y,
        lambda x, y: y + x,
        lambda x, y: y * x,
        lambda x, y: torch.cat([x, y], dim=1),
        lambda x, y: x.flatten(2) @ y.flatten(2).mT,
        lambda x, y: x[1:3],
        lambda x, y: F.softmax(x, dim=0),
        lambda x, y: x.mean((0, 2, 3)),
    ],
)
def test_other_functions_see_folded_features(function, order):
    shared, folded = pair(order)
    other = torch.randn_like(folded)
    result = function(shared, other)
    assert isinstance(result, torch.Tensor)
    torch.testing.assert_close(result, function(folded, other))


def test_operations_in_place_are_seen_under_other_names():
    shared, folded = pair()
    name = shared
    shared += torch.arange(2.0 * M).view(-1, 1, 1, 1).expand_as(folded)
    folded += torch.arange(2.0 * M).view(-1, 1, 1, 1)
    torch.testing.assert_close(name + 0, folded)
    name.mul_(2)
    torch.testing.assert_close(name + 0, 2 * folded)
    assert name.shape == folded.shape
    assert len(name) == len(folded)
