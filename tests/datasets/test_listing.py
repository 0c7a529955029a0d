import logging

import pytest

from mmseg_cen.datasets import listing
from mmseg_cen.datasets.listing import (
    list_files,
    list_stems,
    read_rows,
    require_files,
)
from mmseg_cen.disk import write_atomically

RULE = 'one stem or two paths'


@pytest.fixture
def rows(tmp_path):
    """A function that writes bytes to a list and reads its rows."""

    def read(content, stems=(), widths=(1, 2)):
        path = tmp_path / 'list.txt'
        path.write_bytes(content)
        return list(read_rows(str(path), widths, RULE, lambda stem: stem in stems))

    return read


def test_a_byte_order_mark_is_no_part_of_the_first_stem(rows):
    assert rows(b'\xef\xbb\xbfa\r\nb\r\n') == [['a'], ['b']]
    assert rows('ä\nb'.encode('utf-8-sig')) == [['ä'], ['b']]
    assert rows('ä\nb'.encode()) == [['ä'], ['b']]
    assert rows(b'a\rb\r') == [['a'], ['b']]


def test_a_list_in_another_encoding_is_named(rows):
    with pytest.raises(ValueError, match=r'UTF-8, got the byte 0xe9 .*list\.txt: save'):
        rows('café'.encode('latin-1'))


def test_repeated_lines_are_warned_of(rows, monkeypatch):
    said = []
    monkeypatch.setattr(listing, 'print_log', lambda *args: said.append(args))
    assert rows(b'a\nb\n') == [['a'], ['b']]
    assert not said
    assert rows(b'a\nb\na\n') == [['a'], ['b'], ['a']]
    ((text, _, level),) = said
    assert text.startswith('1 of 2 samples are repeated in')
    assert "list.txt, such as ['a']" in text
    assert level == logging.WARNING


def test_files_are_listed_through_links_and_without_hidden_ones(tmp_path):
    for name in ('b/1.png', 'a.png', '._a.png', '.ipynb_checkpoints/c.png'):
        write_atomically(tmp_path / 'files' / name, b'')
    (tmp_path / 'linked').symlink_to(tmp_path / 'files')
    (tmp_path / 'files' / 'd').symlink_to(tmp_path / 'files' / 'b')
    assert list_files(str(tmp_path / 'linked')) == ['a.png', 'b/1.png', 'd/1.png']


@pytest.mark.parametrize('suffix', ['_rgb.jpg', ('.png', '_rgb.jpg')])
def test_files_left_out_for_a_suffix_in_capitals_are_named(
    tmp_path, monkeypatch, suffix
):
    said = []
    monkeypatch.setattr(listing, 'print_log', lambda *args: said.append(args))
    for name in ('a_rgb.jpg', 'b_rgb.JPG', 'notes.txt'):
        (tmp_path / name).touch()
    assert list_stems('rgb', str(tmp_path), suffix) == ['a']
    ((text, _, level),) = said
    assert "such as ['b_rgb.JPG']: `suffix` of modality 'rgb'" in text
    assert text.endswith("'_rgb.jpg', '_rgb.JPG')")
    assert level == logging.WARNING
    assert list_stems('rgb', str(tmp_path), ('_rgb.jpg', '_rgb.JPG')) == ['a', 'b']
    assert len(said) == 1


def test_columns_are_separated_by_tabs_or_by_blanks_if_there_is_no_tab(rows):
    assert rows(b'a.jpg b.png\nc.jpg   d.png') == [
        ['a.jpg', 'b.png'], ['c.jpg', 'd.png']
    ]  # fmt: skip
    assert rows(b'a 1.jpg\tb 1.png\n c.jpg \t d.png ') == [
        ['a 1.jpg', 'b 1.png'], ['c.jpg', 'd.png']
    ]  # fmt: skip


def test_quotes_are_part_of_a_name(rows):
    assert rows(b'"a"\n\'b') == [['"a"'], ["'b"]]
    assert rows(b'"a\tb"') == [['"a', 'b"']]
    assert rows(b'"a b"') == [['"a', 'b"']]


def test_a_stem_may_have_blanks(rows):
    assert rows(b'img 1\nb\n', stems=['img 1']) == [['img 1'], ['b']]
    assert rows(b'img 1\nb c', stems=['img', '1']) == [['img', '1'], ['b', 'c']]
    # Tabs separate, whatever the files are called.
    assert rows(b'a 1\tb', stems=['a 1\tb', 'a 1']) == [['a 1', 'b']]


def test_blank_lines_are_skipped_but_counted(rows):
    assert rows(b'\na\n  \n\t\nb\n\n') == [['a'], ['b']]
    with pytest.raises(ValueError, match=r"3 columns in .*list\.txt, line 4, 'x y z'"):
        rows(b'\na\n\nx y z\n')


@pytest.mark.parametrize('content', [b'a b c', b'a\nb c', b'a b\nc'])
def test_lines_have_an_allowed_number_of_columns_alike_in_all_lines(rows, content):
    line = 1 + content.count(b'\n')
    with pytest.raises(ValueError, match=rf'be {RULE}, .*list\.txt, line {line}, '):
        rows(content)


def test_a_list_exists_and_is_not_empty(rows, tmp_path):
    for content in (b'', b' \n\n', b'\xef\xbb\xbf'):
        with pytest.raises(ValueError, match='must not be empty'):
            rows(content)
    with pytest.raises(FileNotFoundError, match=r'must exist, got .*/no\.txt: correct'):
        list(read_rows(f'{tmp_path}/no.txt', {1}, RULE, lambda stem: False))


def test_all_missing_files_are_named_in_one_error(tmp_path):
    paths = [str(tmp_path / name) for name in 'abc']
    (tmp_path / 'b').touch()
    with pytest.raises(FileNotFoundError, match='2 of 3 files missing') as error:
        require_files(paths)
    assert str(error.value).splitlines()[1:] == [f'  {paths[0]}', f'  {paths[2]}']
    paths = [str(tmp_path / 'none' / f'{k}.png') for k in range(30)]
    with pytest.raises(
        FileNotFoundError, match=rf"missing, \['{tmp_path}/none'\]"
    ) as e:
        require_files(paths)
    assert str(e.value).endswith('... and 10 more')
    require_files([str(tmp_path / 'b')])
    require_files([])
