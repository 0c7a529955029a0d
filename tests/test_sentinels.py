import numpy as np
import pytest

from mmseg_cen.sentinels import check_storable, find_invalid, parse_invalid


@pytest.mark.parametrize(
    ('invalid', 'expected'),
    [
        (None, ()),
        (65535, ((65535, 65535),)),
        ('-1', ((-1, -1),)),
        ('60000..65535', ((60000, 65535),)),
        ('-inf..0', ((-np.inf, 0),)),
        ((0, 65535), ((0, 0), (65535, 65535))),
        ([(60000, 65535), 7], ((60000, 65535), (7, 7))),
        (['1..2', '3'], ((1, 2), (3, 3))),
    ],
)
def test_values_and_ranges_are_ranges(invalid, expected):
    assert parse_invalid(invalid) == expected
    assert parse_invalid(expected) == expected


@pytest.mark.parametrize(
    'invalid', ['2..1', 'none', '1..2..3', [(1, 2, 3)], [None], 'nan..3', '']
)
def test_what_is_neither_is_refused(invalid):
    with pytest.raises(ValueError, match='`invalid` must hold values and ranges'):
        parse_invalid(invalid)


def test_a_value_that_the_type_cannot_hold_is_refused():
    for invalid in (-1, 65536, 'nan'):
        with pytest.raises(ValueError, match=r'uint16 can hold, 0\.\.65535'):
            check_storable(parse_invalid(invalid), 'uint16')
    check_storable(parse_invalid('60000..inf'), 'uint16')
    check_storable(parse_invalid([-1, 'nan']), 'float32')


@pytest.mark.parametrize('dtype', ['uint16', 'int32', 'float16', 'float32', 'float64'])
def test_pixels_of_these_values_are_found_in_any_type(dtype):
    stored = np.array([[1, 2, 3, 100, 101]], dtype)
    found = find_invalid(stored, parse_invalid([2, (100, 200)]))
    np.testing.assert_array_equal(found, [[0, 1, 0, 1, 1]])


def test_one_channel_makes_a_pixel_invalid_and_so_does_nan():
    stored = np.ones((1, 3, 4), np.float32)
    stored[0, 0, 2], stored[0, 1, 3] = np.nan, -9999
    found = find_invalid(stored, parse_invalid(-9999))
    np.testing.assert_array_equal(found, [[1, 1, 0]])
    assert find_invalid(np.array([[0.1]], np.float32), ((0.1, 0.1),)).all()
