import numpy as np
import pytest

from mmseg_cen.rooms import sense_depth

HEIGHT, WIDTH = 48, 64


def test_sensor_without_noise_and_holes_reports_the_depth():
    depth = np.full((HEIGHT, WIDTH), 3, np.float32)
    sensed = sense_depth(depth, np.random.default_rng(0), noise=0, hole_rate=0)
    np.testing.assert_array_equal(sensed, depth)


def test_sensor_noise_grows_as_that_of_a_kinect():
    for distance, deviation in ((0.4, 0.0012), (3.0, 0.0140), (5.0, 0.0414)):
        depth = np.full((200, 200), distance, np.float32)
        sensed = sense_depth(depth, np.random.default_rng(0), noise=2)
        assert sensed.std() == pytest.approx(2 * deviation, rel=0.03)
        assert sensed.mean() == pytest.approx(distance, abs=1e-3)


def test_holes_are_zero_and_more_frequent_beside_steps():
    depth = np.full((400, 400), 2, np.float32)
    depth[:, 200:] = 3
    hole = sense_depth(depth, np.random.default_rng(0), hole_rate=0.02) == 0
    beside = hole[:, 199:201]
    assert beside.mean() == pytest.approx(0.2, abs=0.06)
    assert np.delete(hole, [199, 200], axis=1).mean() == pytest.approx(0.02, abs=0.002)
