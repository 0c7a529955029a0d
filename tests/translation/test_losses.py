"""Laws of the losses, against their formulas in NumPy."""

import numpy as np
import pytest
import torch

from mmseg_cen.translation.losses import (
    at_least_float32,
    check_gan_loss,
    gan_loss,
    masked_l1,
)


@pytest.mark.parametrize('real', [True, False])
def test_adversarial_losses_are_the_distance_from_the_label(real):
    logits = torch.randn(3, 1, 4, 5, dtype=torch.float64)
    x, label = logits.numpy(), float(real)
    probability = 1 / (1 + np.exp(-x))
    entropy = -np.log(probability if real else 1 - probability).mean()
    assert gan_loss(logits, real).item() == pytest.approx(entropy)
    squares = np.square(x - label).mean()
    assert gan_loss(logits, real, 'least_squares').item() == pytest.approx(squares)


def test_other_adversarial_losses_are_refused():
    check_gan_loss('bce')
    with pytest.raises(ValueError, match=r"`gan_loss` must be one of .* got 'hinge'"):
        check_gan_loss('hinge')


def test_an_image_counts_by_the_mean_of_its_valid_pixels():
    image, target = torch.randn(2, 3, 2, 4, 5, dtype=torch.float64)
    valid = torch.zeros(3, 1, 4, 5, dtype=torch.bool)
    valid[0, 0, 1, 2] = valid[1, 0, :, :3] = True  # one, some and none
    error = (image - target).abs().numpy()
    first, second = error[0, :, 1, 2].mean(), error[1, :, :, :3].mean()
    expected = (first + second + 0) / 3
    assert masked_l1(image, target, valid).item() == pytest.approx(expected)
    assert masked_l1(image, target).item() == pytest.approx(error.mean())


def test_invalid_pixels_get_no_gradient_even_if_the_target_is_nan_there():
    image = torch.rand(1, 2, 4, 4, requires_grad=True)
    valid = torch.rand(1, 1, 4, 4) < 0.5
    target = torch.where(valid, torch.zeros(1, 2, 4, 4), torch.nan)
    masked_l1(image, target, valid).backward()
    assert torch.equal(image.grad != 0, valid.expand_as(image))


@pytest.mark.parametrize(
    ('given', 'computed'),
    [(torch.bfloat16, torch.float32), (torch.float64, torch.float64)],
)
def test_losses_are_computed_in_single_precision_or_better(given, computed):
    x = torch.randn(2, 1, 4, 4, dtype=given)
    assert at_least_float32(x).dtype == computed
    assert gan_loss(x, True).dtype == computed
    assert masked_l1(x, x).dtype == computed
