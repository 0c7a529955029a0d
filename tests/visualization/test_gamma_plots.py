import numpy as np
import pytest

from mmseg_cen.visualization.gamma_plots import (
    draw_histograms,
    draw_proportions,
    draw_sensitivity,
    draw_steps,
    proportions,
)


def test_proportions_are_shares_of_the_magnitudes():
    gamma = np.array([[1.0, -3.0, 0.0], [1.0, 1.0, 0.0]])
    expected = [[0.5, 0.75, 0.5], [0.5, 0.25, 0.5]]
    np.testing.assert_allclose(proportions(gamma), expected)


def colors(picture):
    return {tuple(c) for c in picture.reshape(-1, 3)[::3]}


def test_a_histogram_is_drawn_of_each_modality():
    factors = {
        f'{name}/{part}': np.random.default_rng(0).random(99)
        for name in ('rgb', 'depth')
        for part in ('own', 'other')
    }
    picture = draw_histograms(factors, 0.02)
    assert picture.dtype == np.uint8
    assert picture.shape == (300, 800, 3)
    assert (0, 0, 0) in colors(picture), 'the threshold'


@pytest.mark.parametrize('M', [2, 3])
def test_pictures_show_every_modality(M):
    rng = np.random.default_rng(0)
    names = ('rgb', 'depth', 'thermal')[:M]
    gamma = rng.random((5, M, 12))
    steps = draw_steps([0, 1, 2, 3, 4], gamma, names, 0.02, 'layer1')
    assert (31, 119, 180) in colors(steps), 'own parts, blue'
    shares = draw_proportions({'a': gamma[0], 'b': gamma[1]}, names)
    of_matplotlib = [(31, 119, 180), (255, 127, 14), (44, 160, 44)]
    assert colors(shares) >= set(of_matplotlib[:M])
    assert colors(shares).isdisjoint(of_matplotlib[M:])


def test_sensitivity_has_two_axes():
    values = [1e-4, 1e-4, 1e-3]
    picture = draw_sensitivity(values, [1, 2, 3], [0, 0.1, 0.5], 'lambda', 'mIoU')
    assert {(31, 119, 180), (214, 39, 40)} <= colors(picture)


def test_what_is_not_finite_is_left_out():
    gamma = np.full((3, 2, 4), 0.5, np.float32)
    gamma[1, 0, 0], gamma[1, 1] = np.nan, np.inf
    shares = proportions(gamma[1])
    assert shares[:, 0].tolist() == [0.5, 0.5]
    assert np.isfinite(shares).all()
    factors = {
        f'{name}/{part}': gamma[1].ravel() for name in 'ab' for part in ('own', 'other')
    }
    draw_histograms(factors, 0.02)
    draw_histograms({key: np.full(3, np.nan) for key in factors}, 0.02)
    draw_steps([0, 1, 2], gamma, ('a', 'b'), 0.02)
    draw_steps([0, 1, 2], gamma * np.nan, ('a', 'b'), 0.02)
    draw_proportions({'layer': gamma[1]}, ('a', 'b'))
    draw_sensitivity([1, 2], [np.nan, np.inf], [0.1, np.nan], 'lambda', 'mIoU')
