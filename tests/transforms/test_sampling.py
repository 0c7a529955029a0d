import cv2
import numpy as np
import pytest

from mmseg_cen.transforms.sampling import (
    move_values,
    nearest_pixels,
    resize,
    resize_nearest,
)

# A value of each type that others would not hold.
LARGE = dict(
    bool=True, uint8=255, uint16=65535, int32=-(2**31), uint32=2**32 - 1,
    int64=2**40, float16=2048, float64=1e300,
)  # fmt: skip


def test_the_nearest_pixel_is_within_half_a_pixel_of_the_bilinear_place():
    for length in (*range(1, 40), 479, 640, 9999):
        for new_length in (*range(1, 90, 3), 480, 2048):
            place = (np.arange(new_length) + 0.5) * length / new_length - 0.5
            pixels = nearest_pixels(length, new_length)
            assert np.abs(pixels - place).max() <= 0.5 + 1e-9
            assert pixels.min() >= 0
            assert pixels.max() < length


def test_the_nearest_pixel_is_that_of_opencv_at_simple_ratios():
    image = np.random.default_rng(0).random((60, 90), np.float32)
    for size in ((45, 30), (30, 20), (180, 120), (54, 36), (90, 60)):
        expected = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST_EXACT)
        np.testing.assert_array_equal(resize_nearest(image, size), expected)


@pytest.mark.parametrize('dtype', LARGE)
def test_values_of_every_type_stay_what_they_are(dtype):
    image = np.zeros((2, 3), dtype)
    image[0, 1:] = image[1, 0] = LARGE[dtype]
    resized = resize(image, (6, 4), 'nearest')
    np.testing.assert_array_equal(resized, image.repeat(2, axis=0).repeat(2, axis=1))
    assert resized.dtype == dtype
    padded = move_values(pad, image, 1)
    assert padded.dtype == dtype
    np.testing.assert_array_equal(padded, np.pad(image, 1, constant_values=1))


def pad(image, border):
    return cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=border)


@pytest.mark.parametrize('interpolation', ['nearest', 'bilinear', 'area'])
@pytest.mark.parametrize('channels', [(), (1,), (2,), (600,)])
def test_channels_are_resized_one_by_one(interpolation, channels):
    image = np.random.default_rng(0).random((7, 9, *channels), np.float32)
    resized = resize(image, (5, 11), interpolation)
    assert resized.shape == (11, 5, *channels)
    if channels:
        last = resize(np.ascontiguousarray(image[..., -1]), (5, 11), interpolation)
        np.testing.assert_allclose(resized[..., -1], last, atol=1e-6)


def test_a_size_without_pixels_is_an_error():
    with pytest.raises(ValueError, match=r'`scale` must leave .* got 0x3 of an image'):
        resize(np.zeros((7, 9)), (0, 3), 'nearest')


@pytest.mark.parametrize('interpolation', ['area', 'bilinear'])
def test_many_channels_are_resized_as_each_of_them(interpolation):
    image = np.random.default_rng(0).random((8, 10, 5)).astype(np.float32)
    found = resize(image, (7, 3), interpolation)
    each = [resize(image[..., k], (7, 3), interpolation) for k in range(5)]
    np.testing.assert_allclose(found, np.stack(each, axis=-1), rtol=1e-5)
