import pytest

from mmseg_cen.datasets.groups import find_groups

STEMS = ('a', 'b/c', 'd')


def test_a_group_is_the_first_parenthesis_or_all_that_matches():
    found = find_groups(dict(folder=r'^(?:(\w)/)?', letter='[a-z]$'), ['b/c'])
    assert found == [dict(folder='b', letter='c')]
    assert find_groups(dict(number=r'(\d)(\d)'), ['x12']) == [dict(number='1')]


def test_a_table_names_the_group_of_each_stem(tmp_path):
    (tmp_path / 'cameras.json').write_text('{"a": "kv1", "b/c": "kv2", "d": 3}')
    found = find_groups(dict(camera='cameras.json'), STEMS, str(tmp_path))
    assert found == [dict(camera=name) for name in ('kv1', 'kv2', '3')]
    path = str(tmp_path / 'cameras.json')
    assert find_groups(dict(camera=path), STEMS) == found


def test_without_sources_samples_have_no_group():
    assert find_groups({}, STEMS) == [{}, {}, {}]


def test_a_sample_without_a_group_is_named(tmp_path):
    (tmp_path / 'cameras.json').write_text('{"b/c": "kv1"}')
    for source, stem in (('cameras.json', 'a'), (r'^(\w)$', 'b/c'), ('^(b)?', 'a')):
        message = rf"group in 'camera', got none of sample '{stem}' from "
        with pytest.raises(ValueError, match=message):
            find_groups(dict(camera=source), STEMS, str(tmp_path))


def test_sources_that_cannot_be_read_are_refused(tmp_path):
    root = str(tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r'must exist, got .*/no\.json: correct'
    ):
        find_groups(dict(camera='no.json'), STEMS, root)
    with pytest.raises(ValueError, match=r"regular expressions, got '\(a': correct"):
        find_groups(dict(camera='(a'), STEMS)
    for text, message in [('["a"]', 'object .*got list'), ('{"a"', 'must hold JSON')]:
        (tmp_path / 'cameras.json').write_text(text)
        with pytest.raises(ValueError, match=message):
            find_groups(dict(camera='cameras.json'), STEMS, root)
