"""Losses of fusion modules are carried by the features, and taken once."""

import torch

from mmseg_cen.fusion.losses import FusedFeatures, pop_losses


def test_carried_losses_are_taken_once():
    feats = FusedFeatures([torch.zeros(1)], {'loss_fusion': torch.ones(())})
    assert pop_losses(feats) == {'loss_fusion': torch.ones(())}
    assert pop_losses(feats) == {}


def test_features_that_carry_losses_are_a_tuple_of_maps():
    maps = [torch.zeros(1), torch.ones(1)]
    feats = FusedFeatures(maps, {})
    assert isinstance(feats, tuple)
    assert all(a is b for a, b in zip(feats, maps, strict=True))


def test_other_features_carry_no_losses():
    assert pop_losses((torch.zeros(1),)) == {}
