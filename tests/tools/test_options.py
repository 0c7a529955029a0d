"""Options of tools, which are read before anything that takes seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from _options import ToolParser

TOOLS = Path(__file__).parents[2] / 'tools'
STARTED_BY_OTHERS = ('_ranks.py', 'locked.py')
STANDS_ALONE = 'onnx_example.py'  # a program to copy from, without the package
SLOW = ('cv2', 'mmengine', 'mmseg_cen', 'numpy', 'torch')

# Runs tools as scripts with options that end them; prints how each ended, and what slow
# libraries are imported afterwards.
ENDING = f"""
import contextlib, io, json, runpy, sys
from pathlib import Path
ends, path = dict(), sys.path[:]
for tool in sys.argv[1:]:
    sys.path[:] = [str(Path(tool).parent), *path]
    for option in ('--help', '--no-such-option'):
        sys.argv = [tool, option]
        words = io.StringIO()
        try:
            with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
                runpy.run_path(tool, run_name='__main__')
        except SystemExit as end:
            slow = [name for name in {SLOW} if name in sys.modules]
            ends[tool + ' ' + option] = end.code, words.getvalue(), slow
print(json.dumps(ends))
"""


def test_options_are_read_before_the_slow_imports():
    """All tools in one process, since none of them imports anything slow."""
    starters = [
        str(path)
        for path in sorted(TOOLS.rglob('*.py'))
        if "\nif __name__ == '__main__'" in path.read_text()
        and path.name not in (*STARTED_BY_OTHERS, STANDS_ALONE)
    ]
    result = subprocess.run(
        [sys.executable, '-c', ENDING, *starters], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    ends = json.loads(result.stdout)
    assert len(ends) == 2 * len(starters) > 40
    for command, (code, words, slow) in ends.items():
        assert not slow, command
        assert words.startswith('usage: '), command
        if command.endswith('--help'):
            assert code == 0, command
            assert '--debug' in words, command
        else:
            assert code == 2, command
            name = Path(command.split()[0]).name
            assert words.splitlines()[-1].startswith(f'{name}: error: '), command


def test_the_package_imports_what_some_runs_need_when_they_do(tmp_path, run_in_server):
    script = tmp_path / 'script.py'
    script.write_text(
        'import gc, sys\n'
        'assert {"mmseg.models", "mmseg_cen.translation"} <= sys.modules.keys()\n'
        'late = {"h5py", "matplotlib", "scipy.ndimage", "scipy.optimize"}\n'
        'assert not late & sys.modules.keys()\n'
        'assert gc.isenabled()\n'
    )
    code, output = run_in_server(script)
    assert code == 0, output


def test_every_tool_has_debug():
    assert 'debug' not in vars(ToolParser().parse_args([]))
    assert ToolParser().parse_args(['--debug']).debug


def test_options_without_a_value_are_refused(capsys):
    parser = ToolParser()
    parser.add_config_options()
    given = parser.parse_args(['--cfg-options', 'a.b=[1,2]', 'c=d=e'])
    assert given.cfg_options == {'a.b': [1, 2], 'c': 'd=e'}
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options', 'a=1', 'resume'])
    assert "must be KEY=VALUE, got ['resume']" in capsys.readouterr().err


@pytest.mark.parametrize('value', ['[1,2', '(1,[2)', '[dict(type="A",b=1)]'])
def test_options_that_cannot_be_parsed_are_refused(value, capsys):
    parser = ToolParser()
    parser.add_config_options()
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options', f'a={value}'])
    assert 'must be plain ones or lists of them' in capsys.readouterr().err


def test_the_type_of_mixed_precision_may_be_left_out_before_other_arguments():
    parser = ToolParser()
    parser.add_argument('config')
    parser.add_modes()
    for given, found in (
        (['--amp', 'a.py'], 'auto'),
        (['a.py', '--amp'], 'auto'),
        (['--amp', 'bf16', 'a.py'], 'bf16'),
        (['--amp=fp16', 'a.py'], 'fp16'),
        (['a.py'], None),
    ):
        args = parser.parse_args(given)
        assert (args.config, args.amp) == ('a.py', found)
        assert not args.channels_last
        assert not args.compile
