"""What the tests of all converters share."""

import importlib.util
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOLS = Path(__file__).parents[3] / 'tools' / 'dataset_converters'


@pytest.fixture
def load_tool(monkeypatch):
    """Import a tool by its name, as a module of that name."""

    def load(name):
        path = TOOLS / f'{name}.py'
        for sibling in re.findall(r'^from (\w+) import', path.read_text(), re.M):
            if (TOOLS / f'{sibling}.py').is_file():  # beside the tool, as for a script
                load(sibling)
        spec = importlib.util.spec_from_file_location(name, path)
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
def no_sheet(monkeypatch):
    """Draw no contact sheets, which take most of the time of a conversion."""
    blank = np.zeros((1, 1), np.uint8)
    place = 'mmseg_cen.preparation.conversion.draw_contact_sheet'
    monkeypatch.setattr(place, lambda *_: blank)
