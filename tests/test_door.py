import json
import sys

import pytest

from mmseg_cen.door import INTERRUPTED, as_tool, exit_on_user_error
from mmseg_cen.launch import load_config


def end(raiser, capsys):
    """Exit status or line of a tool, and what it printed."""
    with pytest.raises(SystemExit) as ended:
        as_tool(raiser)()
    return ended.value.code, capsys.readouterr().err


def raises(error):
    def raiser():
        raise error

    return raiser


def test_mistakes_of_users_end_in_one_line(capsys):
    line, shown = end(lambda: load_config('nowhere.py'), capsys)
    assert line.startswith("error: the config must be a file, got 'nowhere.py'")
    assert '\n' not in line
    assert not shown


def test_the_traceback_is_shown_on_request(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tool', 'nowhere.py', '--debug'])
    line, shown = end(lambda: load_config('nowhere.py'), capsys)
    assert line.startswith('error: the config must be a file')
    assert 'Traceback' in shown


def test_mistakes_of_programmers_end_with_their_traceback(capsys):
    line, shown = end(lambda: {}['a'], capsys)
    assert line.startswith("error: KeyError: 'a' (unexpected: report the traceback")
    assert 'Traceback' in shown
    line, shown = end(lambda: int('a'), capsys)
    assert 'unexpected' in line, 'a ValueError of a library is not a word to the user'


def test_an_interruption_has_the_status_of_a_shell(capsys):
    code, shown = end(raises(KeyboardInterrupt()), capsys)
    assert code == INTERRUPTED == 130
    assert shown == 'error: interrupted\n'


def test_a_status_is_passed_on():
    with pytest.raises(SystemExit, match='3'), exit_on_user_error():
        raise SystemExit(3)
    assert as_tool(lambda argv: len(argv))(['a', 'b']) == 2


def test_a_process_of_torchrun_leaves_its_message(tmp_path, monkeypatch, capsys):
    path = tmp_path / 'error.json'
    monkeypatch.setenv('TORCHELASTIC_ERROR_FILE', str(path))
    code, shown = end(lambda: load_config('nowhere.py'), capsys)
    assert (code, shown) == (1, '')
    message = json.loads(path.read_text())['message']
    assert message['message'].startswith('error: the config must be a file')
    assert not message['extraInfo']['is_consequence']
    end(raises(RuntimeError('Connection closed by peer [127.0.0.1]:1234')), capsys)
    message = json.loads(path.read_text())['message']
    assert 'Traceback' in message['message']
    assert message['extraInfo']['is_consequence']
