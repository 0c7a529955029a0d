import numpy as np
import pytest

from mmseg_cen.rooms import MATERIALS

POINTS = np.random.default_rng(0).uniform(0, 5, (20000, 3))


@pytest.mark.parametrize('name', MATERIALS)
def test_a_material_mixes_its_two_colors_and_shows_both(name):
    first, second = np.array(MATERIALS[name].colors)
    weight = (MATERIALS[name].albedo(POINTS) - first) / (second - first)
    # One weight for all three channels, from 0 to 1.
    np.testing.assert_allclose(weight, weight[:, :1].repeat(3, axis=1), atol=1e-9)
    assert -1e-9 < weight.min() < 0.03
    assert 0.97 < weight.max() < 1 + 1e-9


def test_stripes_blobs_and_checks_repeat_with_their_periods():
    def weight(name, *point):
        return MATERIALS[name].pattern(np.array([point], float))[0]

    assert weight('brass', 0, 0, 0) == pytest.approx(weight('brass', 3, 0.25, 7))
    assert weight('brass', 0, 1 / 16, 0) == pytest.approx(1)
    assert weight('jade', 0.4, 0, 0.8) == pytest.approx(1)
    assert weight('jade', 0.2, 0, 0) == pytest.approx(0)
    assert [weight('fabric', x, 0.1, 0.1) for x in (0.1, 0.3, 0.5)] == [0, 1, 0]
