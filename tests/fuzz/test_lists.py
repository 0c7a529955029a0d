"""Lists of samples, over tables, blanks, ends of lines, alphabets and plain junk."""

from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from mmseg_cen.datasets.listing import read_rows
from mmseg_cen.preparation.lists import is_line, read_list

# Letters of all alphabets, blanks, marks and symbols; no surrogates, which no file has.
TEXT = st.text(st.characters(codec='utf-8'), min_size=1, max_size=12)
WORDS = st.text(
    st.characters(codec='utf-8', categories=['L', 'N', 'P', 'S']),
    min_size=1,
    max_size=9,
)
ENDS = st.sampled_from(['\n', '\r\n', '\n\n', '\n  \t \n'])
MARK = st.sampled_from(['', '\ufeff'])  # as editors of Windows begin a file


def rows_of(path, widths, is_stem=lambda line: False):
    return list(read_rows(str(path), widths, 'a table', is_stem))


@st.composite
def tables(draw):
    """Columns of all lines, as one file of tabs or blanks."""
    columns = draw(st.integers(1, 5))
    row = st.lists(WORDS, min_size=columns, max_size=columns)
    table = draw(st.lists(row, min_size=1, max_size=6))
    assume(not table[0][0].startswith('\ufeff'))
    separator = draw(st.sampled_from(['\t', ' ', '   ', ' \t ']))
    end = draw(ENDS)
    text = draw(MARK) + end.join(separator.join(row) for row in table)
    return table, text + draw(st.sampled_from(['', end]))


@given(tables())
def test_tables_are_read_as_they_were_written(tmp_path_factory, table):
    rows, text = table
    path = Path(tmp_path_factory.mktemp('list'), 'train.txt')
    path.write_bytes(text.encode())
    assert rows_of(path, {len(rows[0])}) == rows


@given(st.lists(TEXT.filter(is_line), min_size=1, max_size=5), MARK)
def test_stems_that_can_be_lines_are_read_back_by_both_readers(
    tmp_path_factory, stems, mark
):
    path = Path(tmp_path_factory.mktemp('list'), 'train.txt')
    path.write_text(mark + ''.join(f'{stem}\n' for stem in stems), encoding='utf-8')
    assert read_list(path) == stems
    assert rows_of(path, {1}, lambda line: line in stems) == [[stem] for stem in stems]


@given(st.binary(max_size=60), st.sets(st.integers(1, 4), min_size=1))
def test_junk_is_a_table_or_one_line_that_says_what_is_wrong(
    tmp_path_factory, outcome, assert_told, junk, widths
):
    path = Path(tmp_path_factory.mktemp('list'), 'train.txt')
    path.write_bytes(junk)
    rows, error = outcome(rows_of, path, widths)
    if error is None:
        assert {len(row) for row in rows} <= widths
        assert len({len(row) for row in rows}) == 1
    else:
        assert isinstance(error, ValueError)
        assert_told(error, path)
