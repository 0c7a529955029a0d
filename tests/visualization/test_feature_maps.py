import torch
from torch.testing import assert_close

from mmseg_cen.models import FixedPortionExchange
from mmseg_cen.visualization.feature_maps import averaged_maps, kept_groups


def test_channels_are_grouped_by_who_keeps_them():
    gamma = torch.tensor([[0.0, 1.0, -1.0, 0.0], [1.0, 0.0, 1.0, 0.0]])
    groups = kept_groups(gamma.abs() < 0.5, ('rgb', 'depth'))
    assert {
        name: mask.nonzero().flatten().tolist() for name, mask in groups.items()
    } == {
        'depth kept, rgb ~ 0': [0],
        'rgb kept, depth ~ 0': [1],
        'rgb, depth kept': [2],
    }


def test_channels_of_an_exchange_without_threshold_are_those_that_it_chooses():
    gamma = torch.ones(2, 8)
    exchange = FixedPortionExchange(portion=0.25)
    groups = kept_groups(exchange.chosen(gamma), ('rgb', 'depth'), 'exchanged')
    assert [(name, int(mask.sum())) for name, mask in groups.items()] == [
        ('depth kept, rgb exchanged', 2),
        ('rgb kept, depth exchanged', 2),
        ('rgb, depth kept', 4),
    ]


def test_maps_are_means_over_the_channels_of_a_group():
    x = torch.randn(2, 3, 4, 5, 5)
    groups = {
        'two': torch.tensor([True, False, True, False]),
        'none': torch.zeros(4) > 0,
    }
    maps = averaged_maps(x, groups)
    assert_close(maps['two'], (x[:, :, 0] + x[:, :, 2]) / 2)
    assert maps['none'] is None
