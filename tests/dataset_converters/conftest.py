"""What the tests of all converters share."""

import importlib.util
import sys
from pathlib import Path

import cv2
import pytest

TOOLS = Path(__file__).parents[2] / 'tools' / 'dataset_converters'


@pytest.fixture
def convert(request, capsys, monkeypatch):
    """Run the tool of the same name as the test's file; exit status and report."""
    monkeypatch.syspath_prepend(TOOLS)  # as of a script that is run
    name = request.path.stem.removeprefix('test_')
    spec = importlib.util.spec_from_file_location(
        f'convert_{name}', TOOLS / f'{name}.py'
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pickle looks classes up there
    spec.loader.exec_module(module)

    def run(*argv):
        status = module.main(['--jobs', '1', *map(str, argv)])
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
