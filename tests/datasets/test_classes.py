import pytest

from mmseg_cen.datasets.classes import (
    choose_ignore_index,
    complete_label_map,
    map_of_subset,
    read_class_names,
)


def test_names_are_taken_as_they_are_or_from_a_file(tmp_path):
    assert read_class_names(None) == {}
    for classes in (None, ('a', 'b'), ['a']):
        assert read_class_names(dict(classes=classes)) == dict(classes=classes)
    path = tmp_path / 'classes.txt'
    path.write_text('\ufeffwall\nfloor mat\r\n\n', encoding='utf-8')
    found = read_class_names(dict(classes=str(path), palette=[]))
    assert found == dict(classes=['wall', 'floor mat'], palette=[])
    path.write_text('wall', encoding='utf-16')
    with pytest.raises(
        ValueError, match=r'must be in UTF-8, got UTF-16 .*classes\.txt'
    ):
        read_class_names(dict(classes=str(path)))


@pytest.mark.parametrize(
    ('classes', 'remedy'),
    [
        ('wall, floor', r"write e\.g\. classes=\('wall', 'floor'\)"),
        ('wall', r"write e\.g\. classes=\('wall', 'floor'\)"),
        ('no/such/file.txt', 'a file with a name in each line'),
        ('', 'sequence of names'),
        (3, 'sequence of names.*got 3'),
        ({'wall': 0}, 'sequence of names'),
    ],
)
def test_classes_as_text_or_number_are_refused(classes, remedy):
    with pytest.raises(ValueError, match=remedy):
        read_class_names(dict(classes=classes))


def test_ignored_pixels_have_a_label_that_is_no_class():
    assert [choose_ignore_index(None, k) for k in (0, 40, 255, 256, 894)] == [
        255, 255, 255, 65535, 65535,
    ]  # fmt: skip
    assert choose_ignore_index(-1, 300) == -1
    assert choose_ignore_index(0, 40) == 0  # a class that is not learned
    with pytest.raises(ValueError, match='no class, got 255 of 300 classes'):
        choose_ignore_index(255, 300)


def test_with_labels_from_1_the_ignored_label_is_no_class():
    """Label 1 becomes class 0, which would be ignored as if it were void."""
    assert choose_ignore_index(255, 40, reduce_zero_label=True) == 255
    for num_classes in (0, 40):
        with pytest.raises(ValueError, match=r'stored label 1 is class 0, .*leave'):
            choose_ignore_index(0, num_classes, reduce_zero_label=True)


def test_a_label_map_may_have_passed_through_a_file_of_text():
    assert complete_label_map({'7': 0, 8: None, 255: '1'}, 2, 255) == {
        7: 0, 8: 255, 255: 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ('label_map', 'what'),
    [
        ({7: 2}, r'0\.\.1, or to 255'),
        ({7: -1}, 'got 7: -1'),
        ({'road': 0}, "'road': 0"),
        ([0, 1], r'a dict, got \[0, 1\]'),
    ],
)
def test_a_label_map_to_no_class_is_refused(label_map, what):
    with pytest.raises(ValueError, match=what):
        complete_label_map(label_map, 2, 255)


def test_the_classes_that_a_subset_leaves_out_are_ignored_by_any_label():
    whole, part = dict(classes=('a', 'b')), dict(classes=('b',))
    assert map_of_subset(None, whole, whole, 65535) is None
    assert map_of_subset({0: 255, 1: 0}, whole, part, 65535) == {0: 65535, 1: 0}
