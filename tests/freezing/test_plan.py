"""Which channels are computed, and how streams are made of them."""

from mmseg_cen.freezing.plan import fill_up, gather, needed_channels


def test_channels_are_needed_that_are_kept_or_taken():
    swapped = [[(1,), (0,)], [(1,), (0,)]]  # the first stream gives away channel 0
    assert needed_channels(swapped) == [[1], [0]]
    means = [[(1, 2), (0,)], [(1,), (0, 2)], [(2,), (2,)]]
    assert needed_channels(means) == [[1], [0], [0, 1]]
    assert needed_channels([[(), (0,)], [(1,), ()]]) == [[1], [0]]


def test_as_many_channels_are_computed_of_each_stream():
    assert fill_up([[3], [0, 1, 2]], 4, 2) == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert fill_up([[3], [0]], 4, 2) == [[0, 3], [0, 1]]
    assert fill_up([[2], [0]], 3, 8) == [[0, 1, 2], [0, 1, 2]]


def test_equal_streams_are_gathered_once_in_the_order_of_what_was_computed():
    how = gather([[(1,), (0,)], [(1,), (0,)]], [[1], [0]])
    assert how.shared
    assert how.order == (1, 0)
    assert how.channels == [1, 0]


def test_means_and_zeros_follow_what_was_computed():
    how = gather([[(1, 2), (0,)], [(1,), ()], [(2,), (2,)]], [[1], [0], [0, 1]])
    assert how.channels == [4, 0, 1, 5, 2, 3]
    assert how.means == [[1], [2]]
    assert how.zero
    assert not how.shared
