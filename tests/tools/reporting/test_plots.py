import re
from xml.etree import ElementTree

import numpy as np
import pytest
from reporting.matrices import matrix
from reporting.plots import Axis, Series, line_plot, number, scatter_plot


def points(svg):
    """Pixels of the curves of a plot."""
    paths = ElementTree.fromstring(svg).iterfind('path[@data-name]')
    return [
        [tuple(map(float, p.split())) for p in re.split('[ML]', path.get('d'))[1:]]
        for path in paths
    ]


@pytest.mark.parametrize('log', [False, True])
def test_a_curve_goes_from_corner_to_corner(log):
    y = np.geomspace(1, 1000, 4)
    svg = line_plot([Series('a', np.arange(4.0), y)], log=log)
    [curve] = points(svg)
    xs, ys = np.array(curve).T
    assert (np.diff(xs) > 0).all()
    assert (np.diff(ys) < 0).all()
    assert np.allclose(np.diff(ys), np.diff(ys)[0], atol=0.2) == log


def test_what_is_not_finite_leaves_a_gap():
    y = np.array([1.0, np.nan, 2.0, np.inf, 3.0])
    svg = line_plot([Series('a < b', np.arange(5.0), y)])
    assert ElementTree.fromstring(svg) is not None
    assert len(points(line_plot([Series('', np.arange(2.0), np.ones(2))]))) == 1
    assert re.search(r' d="(M[^ML"]+){3}"', svg)
    nothing = line_plot([Series('a', np.arange(2.0), np.full(2, np.nan))])
    assert 'no finite value' in nothing


@pytest.mark.parametrize(
    ('low', 'high', 'log'),
    [(0, 1, False), (-3, 1e6, False), (0.37, 0.371, False), (1e-6, 10, True)],
)
def test_ticks_are_few_round_and_on_the_axis(low, high, log):
    ticks = Axis(low, high, 0, 100, log).ticks()
    assert 2 <= len(ticks) <= 8
    assert all(low * (1 - 1e-6) - 1e-9 <= tick <= high * (1 + 1e-6) for tick in ticks)


def test_one_point_and_equal_values_are_drawn():
    for y in ([5.0], [2.0, 2.0], [0.0, 0.0]):
        svg = line_plot([Series('a', np.arange(float(len(y))), np.array(y))])
        assert ElementTree.fromstring(svg).find('circle') is not None


def test_values_below_their_axis_are_drawn_at_its_end():
    series = [Series('a', np.arange(3.0), np.array([-1.0, -2.0, -4.0]))]
    [curve] = points(line_plot(series, y_range=(0.0, None)))
    assert len({y for _, y in curve}) == 1


def test_a_long_curve_has_no_more_points_than_a_screen():
    svg = line_plot([Series('a', np.arange(1e5), np.arange(1e5))])
    assert len(svg) < 40_000


def test_points_and_cells_have_their_names():
    svg = scatter_plot([('a & b', 1.0, 50.0), ('never', 0.0, np.nan)], 'x', 'y')
    tree = ElementTree.fromstring(svg)
    assert tree.find('circle/title').text == 'a & b'
    assert 'never' not in svg
    cells = matrix(np.eye(2), ['a"', 'b'], ['a"', 'b'], 'true', 'predicted')
    assert ElementTree.fromstring(cells).get('data-rows') == 'a"|b'


def test_numbers_are_short():
    given = (0, 0.5, 12000, 1e-5, 2.5e7)
    assert [number(v) for v in given] == ['0', '0.5', '12k', '1e-5', '2.5e7']
