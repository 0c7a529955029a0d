import numpy as np
import pytest

from mmseg_cen.transforms import fill_invalid, fill_nearest, valid_pixels


def masks():
    rng = np.random.default_rng(0)
    for share in (0.02, 0.2, 0.5, 0.9):
        for _ in range(10):
            mask = rng.random(rng.integers(1, 20, 2)) < share
            mask.flat[rng.integers(mask.size)] = True
            yield mask


def test_every_pixel_is_filled_from_a_valid_one_at_the_least_distance():
    for valid in masks():
        source = fill_nearest(np.stack(np.indices(valid.shape), axis=-1), valid)
        y, x = np.indices(valid.shape)
        got = abs(source[..., 0] - y) + abs(source[..., 1] - x)
        ys, xs = np.nonzero(valid)
        least = (abs(ys[:, None, None] - y) + abs(xs[:, None, None] - x)).min(axis=0)
        assert valid[source[..., 0], source[..., 1]].all()
        np.testing.assert_array_equal(got, least)


def test_valid_pixels_stay_as_they_are():
    for valid in masks():
        image = np.random.default_rng(1).random(valid.shape, np.float32)
        for fill in ('nearest', 7.0):
            filled = fill_invalid(image, valid, fill)
            np.testing.assert_array_equal(filled[valid], image[valid])
            assert filled.dtype == np.float32


@pytest.mark.parametrize('channels', [(), (1,), (3,)])
def test_a_value_takes_the_place_of_all_invalid_pixels(channels):
    valid = np.eye(3, dtype=bool)
    filled = fill_invalid(np.ones((3, 3, *channels), np.float32), valid, 7.0)
    assert filled.shape == (3, 3, *channels)
    assert (filled[valid] == 1).all()
    assert (filled[~valid] == 7).all()


@pytest.mark.parametrize('fill', [7.0, 'nearest'])
def test_an_image_without_valid_pixels_becomes_zero(fill):
    image = np.full((2, 3), np.nan, np.float32)
    np.testing.assert_array_equal(fill_invalid(image, np.zeros((2, 3), bool), fill), 0)


def test_a_pixel_is_valid_if_it_is_finite_and_not_zero_in_all_channels():
    np.testing.assert_array_equal(
        valid_pixels(np.array([[0.0, 1.0, -1.0, np.nan, np.inf]])), [[0, 1, 1, 0, 0]]
    )
    channels = np.array([[[0.0, 0.0], [0.0, 1.0], [1.0, np.nan]]])
    np.testing.assert_array_equal(valid_pixels(channels), [[0, 1, 0]])


def test_an_image_without_holes_is_copied(monkeypatch):
    monkeypatch.delattr('cv2.distanceTransformWithLabels')  # costs as much as decoding
    image = np.ones((4, 5), np.float32)
    filled = fill_nearest(image, np.ones((4, 5), bool))
    np.testing.assert_array_equal(filled, image)
    assert not np.shares_memory(filled, image)
