import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mmseg_cen.visualization import (
    Panel,
    color_labels,
    color_modality,
    default_palette,
    draw_grid,
    picture_size,
    score,
)

RED, GREEN = (255, 0, 0), (0, 255, 0)


def test_labels_take_the_color_of_their_class_and_ignored_ones_are_black():
    labels = np.array([[0, 1], [255, 2]])
    picture = color_labels(labels, [RED, GREEN])
    assert picture.dtype == np.uint8
    assert_array_equal(picture, [[RED, GREEN], [(0, 0, 0), (0, 0, 0)]])


def test_invalid_depth_is_black_and_the_rest_grows_brighter():
    depth = np.array([[[0, np.nan, np.inf, 1, 2, 3]]], np.float32)
    picture, values = color_modality(depth)
    assert not picture[0, :3].any()
    brightness = picture[0, 3:].sum(axis=-1).astype(int)
    assert (np.diff(brightness) > 0).all()
    assert values == '1.02 \N{EN DASH} 2.98'


def test_depth_without_a_valid_pixel_is_black():
    picture, values = color_modality(np.zeros((1, 2, 3), np.float32))
    assert picture.shape == (2, 3, 3)
    assert not picture.any()
    assert values == 'no valid pixel'


def test_zero_is_a_value_where_there_are_negative_ones():
    picture, _ = color_modality(np.array([[[-1, 0, 1]]], np.float32))
    assert picture[0, 1].any()


def test_a_constant_channel_can_be_drawn():
    picture, _ = color_modality(np.full((1, 4, 4), 7.0, np.float32))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize('channels', [3, 4])
def test_an_image_is_shown_as_it_is(channels):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (channels, 5, 4)).astype(np.float32)
    picture, values = color_modality(image)
    assert_array_equal(picture, image[2::-1].transpose(1, 2, 0))
    assert values == ''


def test_an_image_in_other_units_is_stretched():
    image = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2)
    picture, _ = color_modality(image)
    assert (picture.min(), picture.max()) == (0, 255)


def test_the_score_counts_labeled_pixels_and_classes_that_occur():
    truth = np.array([[0, 0, 1, 255]])
    prediction = np.array([[0, 1, 1, 2]])
    # IoU 1/2 of both classes; class 2 occurs on the ignored pixel only.
    assert score(prediction, truth, num_classes=4) == 'mIoU 50.0, accuracy 66.7'
    assert score(prediction, np.full((1, 4), 255), 4) == 'no labeled pixel'


@pytest.mark.parametrize('size', [(64, 64), (48, 64), (240, 320), (1024, 2048)])
def test_panels_are_legible_and_small_images_enlarged_by_a_whole_factor(size):
    height, width = picture_size(*size)
    assert 256 <= max(height, width) <= 640
    if max(size) < 640:
        assert height % size[0] == width % size[1] == 0
        assert height // size[0] == width // size[1]


def test_pixels_stay_sharp_in_a_grid():
    labels = np.indices((64, 64)).sum(0) % 2
    panel = Panel(color_labels(labels, [RED, GREEN]), 'title', 'caption')
    grid = draw_grid([[panel]])
    colors, counts = np.unique(grid.reshape(-1, 3), axis=0, return_counts=True)
    count = {tuple(c): n for c, n in zip(colors.tolist(), counts, strict=True)}
    assert count[RED] == count[GREEN] == 256 * 256 // 2


def test_the_legend_wraps_and_cells_may_be_empty():
    panel = Panel(np.zeros((32, 32, 3), np.uint8), 'Zimmer für Größe')
    entries = [(f'a long class name {k}', RED) for k in range(10)]
    bare = draw_grid([[panel, panel], [None, panel]])
    few = draw_grid([[panel, panel], [None, panel]], entries[:1])
    many = draw_grid([[panel, panel], [None, panel]], entries)
    assert bare.shape[1] == few.shape[1] == many.shape[1]
    assert bare.shape[0] <= few.shape[0] < many.shape[0]


def test_default_colors_differ():
    colors = np.array(default_palette(40)).astype(int)
    distance = np.abs(colors[:, None] - colors[None]).sum(-1)
    assert distance[~np.eye(40, dtype=bool)].min() > 10
