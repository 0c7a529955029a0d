import cv2
import numpy as np
import pytest

from mmseg_cen.transforms.patterns import displaced, draw_pattern, few_pixels

SHAPE = (61, 82)


def picture():
    return draw_pattern(np.zeros((*SHAPE, 3), np.uint8))


def blurred(image):
    return cv2.GaussianBlur(image, (0, 0), 2)


def noisy(image):
    return image + np.random.default_rng(0).normal(0, 60, image.shape)


def half_hidden(image):
    return np.where(np.arange(SHAPE[1])[:, None] < 41, 7, image)


LOOKS = [blurred, noisy, half_hidden, lambda x: 255 - x, lambda x: x[..., ::-1] // 64]


@pytest.mark.parametrize('look', LOOKS)
def test_another_look_is_no_displacement(look):
    assert not displaced(draw_pattern(np.zeros(SHAPE)), look(picture()), least=1)


@pytest.mark.parametrize('look', LOOKS)
@pytest.mark.parametrize(
    'move',
    [
        lambda x: x[:, ::-1],
        lambda x: x[::-1],
        lambda x: x[::-1, ::-1],
        lambda x: np.roll(x, 3, axis=1),
        lambda x: np.roll(x, 19, axis=0),
        lambda x: cv2.resize(x[5:-5, 5:-5], SHAPE[::-1]),
    ],
)
def test_a_displacement_is_seen_whatever_the_look(move, look):
    moved = np.ascontiguousarray(move(picture()))
    assert displaced(draw_pattern(np.zeros(SHAPE)), look(moved), least=1)


def test_what_is_hidden_everywhere_tells_nothing():
    pattern = draw_pattern(np.zeros(SHAPE))
    assert not displaced(pattern, np.full(SHAPE, np.nan), least=1)
    assert not displaced(np.zeros(SHAPE), pattern, least=1)


@pytest.mark.parametrize('dtype', ['uint8', 'int64', 'float32', 'bool'])
def test_a_pattern_has_values_shape_and_type_of_the_array(dtype):
    like = np.zeros(SHAPE, dtype)
    like[:30] = 1
    pattern = draw_pattern(like)
    assert pattern.dtype == dtype
    assert set(np.unique(pattern)) == {0, 1}
    assert draw_pattern(np.full((*SHAPE, 5), 7.0)).shape == (*SHAPE, 5)
    assert len(np.unique(draw_pattern(np.full(SHAPE, np.nan)))) == 2


def test_few_pixels_are_a_copy():
    image = np.zeros((100, 100))
    few = few_pixels(image)
    image[:] = 1
    assert not few.any()
    assert few.size < 2000
