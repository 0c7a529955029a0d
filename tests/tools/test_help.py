"""What --help says."""

import argparse
from pathlib import Path

import pytest
from _options import called, config_name

TOOLS = Path(__file__).parents[2] / 'tools'
STARTED_BY_OTHERS = ('_ranks.py', 'locked.py')
WITH_OPTIONS = [
    path
    for path in sorted(TOOLS.rglob('*.py'))
    if "\nif __name__ == '__main__'" in path.read_text()
    and path.name not in (*STARTED_BY_OTHERS, 'onnx_example.py')
]


class Seen(Exception):  # noqa: N818
    """Carries a parser out of a tool."""


@pytest.fixture
def parser_of(parse_arguments, monkeypatch):
    def show(parser, *_):
        raise Seen(parser)

    def parser_of(path):
        with pytest.raises(Seen) as seen:
            parse_arguments(path)
        return seen.value.args[0]

    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', show)
    return parser_of


@pytest.mark.parametrize('path', WITH_OPTIONS, ids=lambda path: path.stem)
def test_every_argument_has_words_and_commands_are_whole(path, parser_of):
    parser = parser_of(path)
    assert [action.dest for action in parser._actions if not action.help] == []
    first, *others = parser.description.splitlines()
    assert first[0].isupper()
    assert len(first) < 89
    commands = [line for line in others if line.startswith('python tools/')]
    assert not [line for line in commands if '  ' in line], 'a raw string keeps a \\'


def test_a_tool_of_an_installed_package_is_called_as_it_was(monkeypatch, capsys):
    """Its usage and the commands of its help begin with mmseg-cen."""
    monkeypatch.setattr('_options.NAME', 'infer')
    scope = {}
    head = (TOOLS / 'infer.py').read_text().partition("\nif __name__ == '__main__':")[0]
    exec(compile(head, 'infer.py', 'exec'), scope)
    with pytest.raises(SystemExit):
        scope['parse_args'](['--help'])
    said = capsys.readouterr().out
    assert said.startswith('usage: mmseg-cen infer CONFIG')
    assert '\nmmseg-cen infer WORK_DIR --rgb' in said
    assert 'python tools' not in said
    assert called('train') == 'mmseg-cen train'  # what it prints to go on with
    assert config_name('cen/a.py') == 'mmseg_cen::cen/a.py'
