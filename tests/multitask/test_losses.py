import numpy as np
import torch
from torch.testing import assert_close

from mmseg_cen.multitask.losses import berhu, cosine_loss, log_l1, masked_mean

VALID = torch.tensor([True, True, True, False]).view(1, 1, 1, 4)


def test_the_logarithm_counts_ratios():
    depth = torch.tensor([1.0, 2, 8, 5]).view(1, 1, 1, 4)
    target = torch.tensor([2.0, 2, 2, 0]).view(1, 1, 1, 4)
    expected = torch.tensor((np.log(2) + 0 + np.log(4)) / 3, dtype=torch.float32)
    assert_close(log_l1(depth.log(), target, VALID), expected)


def test_berhu_is_linear_below_a_fifth_of_the_largest_error_and_quadratic_beyond():
    depth = torch.tensor([2.5, 3, 7, 100]).view(1, 1, 1, 4)
    target = torch.tensor([2.0, 2, 2, 0]).view(1, 1, 1, 4)
    c = 1.0  # of the errors 0.5, 1 and 5
    expected = torch.tensor((0.5 + 1 + (25 + c**2) / (2 * c)) / 3)
    assert_close(berhu(depth.log(), target, VALID), expected)


def test_berhu_of_no_error_has_a_finite_gradient():
    depth = torch.zeros(1, 1, 1, 4, requires_grad=True)
    berhu(depth, torch.ones(1, 1, 1, 4), VALID).backward()
    assert depth.grad.isfinite().all()


def test_the_cosine_does_not_depend_on_lengths():
    normals = torch.zeros(1, 3, 1, 4)
    normals[0, :, 0] = torch.tensor([[3.0, 0, 0], [0, 2, 0], [-1, 0, 0], [9, 9, 9]]).T
    target = torch.zeros(1, 3, 1, 4)
    target[:, 0] = 1
    assert_close(cosine_loss(normals, target, VALID), torch.tensor((0 + 1 + 2) / 3.0))


def test_the_mean_of_nothing_is_0():
    values = torch.full((1, 1, 1, 4), torch.nan)
    assert masked_mean(values, torch.zeros_like(VALID)) == 0
