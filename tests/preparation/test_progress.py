import pytest

from mmseg_cen.preparation.layout import Record
from mmseg_cen.preparation.progress import show_progress
from mmseg_cen.preparation.samples import Result

RESULTS = [
    Result('a', Record('a', 'train', [1, 1])),
    Result('b', problem='is missing'),
    Result('c', Record('c', 'train', [1, 1])),
]


def test_results_are_passed_on_and_counted_in_a_log(capsys):
    assert list(show_progress(RESULTS, 3)) == RESULTS
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].split()[:2] == ['3/3', 'samples']
    assert lines[0].endswith('1 bad')


def test_a_log_has_plain_lines_at_intervals(capsys):
    list(show_progress(RESULTS, 3, interval=-1))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ['1/3', '2/3', '3/3', '3/3']
    assert 'bad' not in lines[0]
    assert '\x1b' not in ''.join(lines)


def test_a_terminal_has_a_bar(capsys, monkeypatch):
    monkeypatch.setenv('FORCE_COLOR', '1')  # rich takes the stream for a terminal
    monkeypatch.setenv('TERM', 'xterm')
    list(show_progress(RESULTS, 3))
    assert '━' in capsys.readouterr().err


def test_an_error_ends_the_display(capsys):
    def fail():
        yield RESULTS[0]
        raise ValueError('damaged')

    with pytest.raises(ValueError, match='damaged'):
        list(show_progress(fail(), 3))
    assert capsys.readouterr().err.split()[0] == '1/3'
