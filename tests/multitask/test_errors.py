import math

import pytest
import torch

from mmseg_cen.multitask.errors import (
    angle_counts,
    angle_errors,
    depth_errors,
    depth_sums,
)


def turned(degrees):
    """Unit vectors (3, N) at these angles from the z axis."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.sin(), torch.zeros_like(angles), angles.cos()])


def test_depth_errors_are_those_of_their_formulas():
    depth, target = torch.tensor([1.0, 2, 6, 4]), torch.tensor([1.0, 2.4, 4, 2])
    errors = depth_errors(depth_sums(depth, target))
    assert errors['rmse'] == pytest.approx(math.sqrt((0.4**2 + 4 + 4) / 4))
    assert errors['abs_rel'] == pytest.approx((0.4 / 2.4 + 0.5 + 1) / 4)
    deltas = [errors[f'delta{i}'] for i in (1, 2, 3)]
    assert deltas == [0.5, 0.75, 0.75]  # ratios 1, 1.2, 1.5, 2


def test_errors_do_not_depend_on_how_pixels_are_spread_over_images():
    depth, target = torch.rand(2, 100) + 0.5
    parts = [depth_sums(depth[:30], target[:30]), depth_sums(depth[30:], target[30:])]
    whole = depth_errors(depth_sums(depth, target))
    assert depth_errors(sum(parts)) == pytest.approx(whole)


def test_angles_are_counted():
    up = turned([0.0] * 5)
    counts, total = angle_counts(turned([0.0, 10, 20, 25, 95]), up)
    errors = angle_errors(counts, total)
    assert errors['mean_angle'] == pytest.approx(30)
    assert errors['median_angle'] == pytest.approx(20, abs=0.02)
    assert errors['below_11.25'] == 0.4
    assert errors['below_22.5'] == 0.6
    assert errors['below_30'] == 0.8


def test_opposite_vectors_are_180_degrees_apart():
    up = turned([0.0])
    counts, total = angle_counts(-up, up)
    assert total == pytest.approx(180)
    assert counts[-1] == 1


def test_a_prediction_without_a_direction_is_not_right():
    counts, total = angle_counts(torch.zeros(3, 4), turned([0.0, 10, 20, 95]))
    errors = angle_errors(counts, total)
    assert (errors['mean_angle'], errors['below_30']) == (90, 0)


def test_a_prediction_that_is_nan_is_as_wrong_as_can_be():
    counts, total = angle_counts(torch.full((3, 2), math.nan), turned([0.0, 10]))
    assert (angle_errors(counts, total)['mean_angle'], counts[-1]) == (180, 2)


def test_no_pixel_has_no_errors():
    none = torch.zeros(0)
    assert all(map(math.isnan, depth_errors(depth_sums(none, none)).values()))
    counts, total = angle_counts(torch.zeros(3, 0), torch.zeros(3, 0))
    assert all(map(math.isnan, angle_errors(counts, total).values()))
