"""What the tests of all converters share."""

import importlib.util
import sys
from pathlib import Path

import cv2
import pytest

TOOLS = Path(__file__).parents[3] / 'tools' / 'dataset_converters'
SIBLINGS = dict(from_folders=['own_config'])  # what a tool imports from its folder


@pytest.fixture
def load_tool(monkeypatch):
    """Import a tool by its name, as a module of that name."""

    def load(name):
        for sibling in SIBLINGS.get(name, ()):
            load(sibling)
        spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)  # where pickle looks, too
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def convert(request, capsys, load_tool):
    """Run the tool of the same name as the test's file; exit status and report."""
    tool = load_tool(request.path.stem.removeprefix('test_'))

    def run(*argv):
        status = tool.main(['--jobs', '1', *map(str, argv)])
        return status, capsys.readouterr().out

    return run


@pytest.fixture
def read():
    """Decode a file as it is; None if it is missing."""
    return lambda path: cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.fixture
def tree():
    """Contents of all files below a folder by path."""

    def contents(root):
        files = (path for path in Path(root).rglob('*') if path.is_file())
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}

    return contents


@pytest.fixture
def truncate():
    """Cut the end off a file."""

    def cut(path, share=0.6):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return cut
