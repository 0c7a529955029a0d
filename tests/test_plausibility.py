from functools import reduce
from operator import add

import numpy as np
import pytest

from mmseg_cen.plausibility import ANYWHERE, STREETS, DepthSummary, doubts

RNG = np.random.default_rng(0)
METERS = RNG.uniform(1, 5, (30, 40))


def ask(stored, unit, **kwargs):
    return doubts(DepthSummary.of(stored, stored != 0), unit, **kwargs)


def millimeters():
    return np.rint(METERS * 1000).astype(np.uint16)


def rotated(depth):
    """As SUN RGB-D stores millimeters."""
    return (depth << 3) | (depth >> 13)


@pytest.mark.parametrize(
    ('stored', 'unit'),
    [
        (millimeters(), 1e-3),
        (millimeters() * 5, 1 / 5000),
        (rotated(millimeters()), 1 / 8000),
        (METERS.astype(np.float16), 1.0),
        (np.full((3, 4), 2000, np.uint16), 1e-3),
        (np.array([[1000, 2000, 8000]], np.uint16), 1e-3),
    ],
)
def test_depth_of_a_room_in_its_unit_raises_no_doubt(stored, unit):
    assert not ask(stored, unit)


@pytest.mark.parametrize(
    ('stored', 'unit', 'word', 'remedy'),
    [
        (millimeters(), 1.0, 'unit', 'a unit of 0.001 m would make it 3.09'),
        (METERS.astype(np.float32), 1e-3, 'unit', 'a unit of 1 m would make it'),
        (np.rint(METERS * 5000).astype(np.uint16), 1e-3, 'unit', 'of 0.0002 m would'),
        (millimeters(), 1 / 5000, 'unit', 'a unit of 0.001 m would make it 3.09'),
        (millimeters() * 5, 1e-3, 'five', '0.0002 m'),
        (rotated(millimeters()), 1e-3, 'rotated', 'sunrgbd.py'),
        ((METERS * 50).astype(np.uint8), 1.0, 'picture', 'of one gray value'),
        ((METERS * 50).astype(np.uint8), 1e-3, 'picture', 'of one gray value'),
        (np.where(METERS < 4, METERS, -1), 1.0, 'negative', "invalid='-inf..0'"),
        (np.where(METERS < 4, METERS, 1e4), 1.0, 'saturated', '(invalid=10000,'),
    ],
)
def test_a_doubt_names_its_remedy(stored, unit, word, remedy):
    found = ask(stored, unit)
    assert list(found) == [word]
    assert remedy in found[word]


def test_the_largest_value_of_a_type_may_mean_no_depth():
    stored = millimeters()
    stored[:3] = 65535
    assert '10.0% of the pixels' in ask(stored, 1e-3)['saturated']


def test_far_depth_is_right_where_it_is_expected():
    stored = millimeters() * np.uint16(8) + np.uint16(3)
    assert 'scenes other than rooms' in ask(stored, 1e-3)['unit']
    assert not ask(stored, 1e-3, plausible=STREETS)
    assert not ask(stored, 1e-3, plausible=ANYWHERE)


def test_a_median_that_no_common_unit_explains_is_said_all_the_same():
    stored = np.full((8, 8), 9.5, np.float32)
    assert ask(stored, 1.0)['unit'].endswith('Of scenes other than rooms it may be')


def test_summaries_of_parts_add_up():
    stored = millimeters()
    stored[:, 0] = 65535
    whole = DepthSummary.of(stored, stored > 0)
    parts = reduce(add, (DepthSummary.of(row, row > 0) for row in stored[:, None]))
    for name in ('valid', 'negative', 'highest', 'at_highest', 'second', 'multiples'):
        assert getattr(parts, name) == getattr(whole, name)
    assert len(parts.medians) == parts.images == len(stored)


def test_an_image_without_depth_is_said_and_changes_nothing():
    nothing = DepthSummary.of(np.zeros((2, 3), np.uint16), np.zeros((2, 3), bool))
    assert list(doubts(nothing, 1e-3)) == ['empty']
    stored = millimeters()
    assert not doubts(nothing + DepthSummary.of(stored, stored > 0), 1e-3)
    assert nothing.as_dict() == {}
