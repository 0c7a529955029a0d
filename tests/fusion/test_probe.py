"""A network is run on blank images to see its stages."""

import pytest
import torch
from torch import nn

from mmseg_cen.fusion.probe import (
    blank_images,
    blank_pass,
    stage_channels,
    without_later_modules,
)


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.Sequential(nn.Conv2d(4, 6, 1), nn.ReLU(), nn.Flatten(2)),
        nn.Linear(36, 2),
    )


def channels(net, *stages):
    return stage_channels(net, net.forward, blank_images(net, 1, 8), stages)


def test_blank_images_fit_the_first_convolution():
    images = blank_images(network().double(), 5, 8)
    assert images.shape == (5, 3, 8, 8)
    assert images.dtype == torch.double
    assert not images.any()


def test_channels_of_stages_come_in_the_order_the_stages_run():
    found = channels(network(), '2.0', '1')
    assert list(found.items()) == [('1', 4), ('2.0', 6)]


def test_the_probe_leaves_no_trace():
    net = network()
    net[2].eval()
    modes = [m.training for m in net.modules()]
    channels(net, '0')
    assert [m.training for m in net.modules()] == modes
    assert not net[1].num_batches_tracked
    assert not net[0]._forward_hooks
    with pytest.raises(RuntimeError), blank_pass(net):
        raise RuntimeError
    assert [m.training for m in net.modules()] == modes


def test_a_stage_without_a_feature_map_is_refused():
    with pytest.raises(
        ValueError, match=r"map, got torch.Size\(\[.* from '3', a Linear"
    ):
        channels(network(), '3')


def test_a_stage_that_runs_twice_is_refused():
    relu = nn.ReLU()
    net = nn.Sequential(nn.Conv2d(3, 4, 3), relu, relu)
    with pytest.raises(ValueError, match="once, got two runs of '1', a ReLU"):
        channels(net, '1')


def test_a_stage_that_does_not_run_is_refused():
    net = network()
    net.add_module('idle', nn.Identity())
    images = blank_images(net, 1, 8)
    with pytest.raises(ValueError, match=r"forward pass, got \['idle'\]"):
        stage_channels(net, net[:3].forward, images, ['0', 'idle'])


@pytest.mark.parametrize(
    ('stage', 'names'),
    [
        (None, ['0', '1', '2', '2.0', '2.1', '2.2', '3']),
        ('1', ['0', '1']),
        ('2', ['0', '1', '2', '2.0', '2.1', '2.2']),
        ('2.0', ['0', '1', '2', '2.0']),
    ],
)
def test_a_network_ends_with_a_stage_for_a_while(stage, names):
    net = network()
    before = [name for name, _ in net.named_modules()]
    with without_later_modules(net, stage):
        assert [name for name, _ in net.named_modules() if name] == names
    assert [name for name, _ in net.named_modules()] == before
