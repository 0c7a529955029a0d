"""Pictures of a prediction."""

import numpy as np
from exploring import pictures


def test_small_pictures_are_enlarged_by_whole_factors_and_large_ones_reduced():
    picture = np.arange(60 * 40 * 3, dtype=np.uint8).reshape(60, 40, 3)
    large = pictures.enlarged(picture)
    assert large.shape == (300, 200, 3)
    np.testing.assert_array_equal(large[::5, ::5], picture)
    assert max(pictures.enlarged(np.zeros((900, 1600, 3), np.uint8)).shape) == 640


def test_streams_disagree_where_one_of_them_differs():
    streams = dict(
        rgb=np.array([[1, 1, 1, 2]]),
        depth=np.array([[1, 2, 1, 2]]),
        thermal=np.array([[1, 1, 0, 2]]),
    )
    differs = pictures.disagreement(streams)
    assert differs.tolist() == [[False, True, True, False]]
    picture = pictures.disagreement_picture(differs)
    assert picture[0, 1].tolist() == [*pictures.DISAGREED]
    assert picture[0, 0].tolist() == [*pictures.AGREED]


def test_the_most_confident_pixels_are_yellow():
    low, high = pictures.confidence_picture(np.array([[0.0, 1.0]]))[0].astype(int)
    assert low[2] > low[1]  # violet
    assert high[0] > 200 > 100 > high[2]


def test_a_range_has_a_unit_if_there_is_a_range():
    depth = np.array([[[1.0] * 99 + [2.0] * 99 + [np.nan]]])
    assert pictures.modality_picture(depth, 'm')[1] == '1 \N{EN DASH} 2 m'
    assert pictures.modality_picture(depth * np.nan, 'm')[1] == 'no valid pixel'
    assert pictures.modality_picture(np.zeros((3, 1, 1)), '')[1] == ''
