"""The tools of an installed package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

from mmseg_cen import command_line

ROOT = Path(__file__).parents[1]


def test_every_tool_of_the_folders_has_a_name():
    found = command_line.tools()
    named = {path.resolve() for path in found.values()}
    for folder in command_line.FOLDERS:
        for path in (ROOT / 'tools' / folder).glob('[!_]*.py'):
            starts = "\nif __name__ == '__main__'" in path.read_text()
            assert (path in named) == starts, path
    assert {'train', 'test', 'infer', 'export', 'convert', 'benchmark'} <= found.keys()
    assert all(path.is_file() for path in found.values())


def test_the_overview_has_a_line_with_words_for_every_tool():
    lines = command_line.overview().splitlines()
    for name in command_line.tools().keys() - command_line.SHORT.keys():
        (line,) = (t for t in lines if re.match(rf'  (\w+, )?{name} ', t))
        assert len(line[29:].split()) > 2, name


@pytest.mark.parametrize(
    ('argv', 'original', 'is_tool'),
    [
        (['-m', 'train'], ['python', '-m', 'mmseg_cen', 'train'], True),
        (['-m', 'x'], ['python', '-X', 'utf8', '-m', 'mmseg_cen', 'x'], True),
        (['/usr/bin/mmseg-cen', 'train'], ['python', '/usr/bin/mmseg-cen'], True),
        (['-m'], ['python', '-m', 'pytest'], False),
        (['tools/train.py', 'mmseg_cen'], ['python', 'tools/train.py'], False),
        (['-c'], ['python', '-c', 'import mmseg_cen'], False),
    ],
)
def test_only_its_own_commands_become_tools(argv, original, is_tool, monkeypatch):
    monkeypatch.setattr(sys, 'argv', argv)
    monkeypatch.setattr(sys, 'orig_argv', original)
    assert command_line.is_called() is is_tool


@pytest.mark.parametrize(
    ('arguments', 'program'),
    [(['train', 'a.py', '--help'], sys.executable), (['dist_train', 'a.py'], 'bash')],
)
def test_the_tool_takes_the_place_of_the_process(arguments, program, monkeypatch):
    called = []
    monkeypatch.setattr(command_line.os, 'execvpe', lambda *args: called.append(args))
    monkeypatch.setattr(sys, 'argv', ['mmseg-cen', *arguments])
    command_line.main()
    ((path, command, environment),) = called
    assert environment['MMSEG_CEN_TOOL'] == arguments[0]
    assert path == command[0] == program
    assert command[2:] == arguments[1:]
    assert Path(command[1]).resolve().parent == ROOT / 'tools'


def test_a_wrong_name_is_told_before_anything_is_imported():
    command = [sys.executable, '-X', 'importtime', '-m', 'mmseg_cen', 'trian']
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 2
    assert "got 'trian': did you mean 'train'?\n" in result.stderr
    assert 'torch' not in result.stderr


def test_configs_of_the_package_are_bases_and_build_in_the_scope_of_mmseg(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("_base_ = 'mmseg_cen::demo/cen_synthetic.py'\n")
    cfg = Config.fromfile(path)
    assert cfg.model.type == 'CENSegmentor'
    assert cfg.visualizer['_scope_'] == 'mmseg'


def test_the_model_index_names_configs_that_exist_and_figures():
    """In the form that OpenMMLab's tools read, with measured results only."""
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    for path in index['Import']:
        family = yaml.safe_load((ROOT / path).read_text())
        names = {collection['Name'] for collection in family['Collections']}
        for model in family['Models']:
            assert (ROOT / model['Config']).is_file()
            assert Path(model['Config']).parent == Path(path).parent
            assert model['Name'] == Path(model['Config']).stem
            assert model['In Collection'] in names
            (result,) = model['Results']
            assert 0 < result['Metrics']['mIoU'] < 100
