"""tools/app.py says in one line what keeps the page from opening."""

import socket
from pathlib import Path

import pytest


@pytest.fixture
def _gradio(monkeypatch):
    """As if Gradio were installed."""
    monkeypatch.setattr('importlib.util.find_spec', lambda name: name)


def test_without_gradio_the_extra_is_named(error_of, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    said = error_of('app.py')
    assert "pip install 'mmseg-cen[app]'" in said


@pytest.mark.usefixtures('_gradio')
def test_without_a_trained_demo_the_quickstart_is_named(
    error_of, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    said = error_of('app.py')
    assert '`bash tools/quickstart.sh`' in said
    assert '\n' not in said


def test_the_demo_is_where_it_was_trained(load_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tool = load_tool('app.py')
    for folder in reversed(tool.DEMO):
        Path(folder).mkdir(parents=True)
        Path(folder, 'epoch_8.pth').touch()
        assert tool.demo() == folder


@pytest.mark.usefixtures('_gradio')
def test_a_port_that_is_in_use_is_refused(error_of, narrow_config):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = other.getsockname()[1]
        said = error_of('app.py', narrow_config, 'no.pth', '--port', port)
    assert f'got 127.0.0.1:{port}' in said


@pytest.mark.usefixtures('_gradio')
def test_other_models_are_refused(error_of, tmp_path, narrow_config):
    assert "config must be a file, got 'no.py'" in error_of('app.py', 'no.py', 'a.pth')
    said = error_of('app.py', narrow_config, tmp_path / 'a.pth')
    assert 'the checkpoint must be a file' in said


def test_samples_that_are_not_there_are_a_note(load_tool, monkeypatch):
    tool = load_tool('app.py')

    def refuse(*_):
        raise FileNotFoundError(2, 'No such file', 'data/rgb')

    monkeypatch.setattr(tool, 'samples_of', refuse)
    explorer = tool.Explorer.__new__(tool.Explorer)
    explorer.inferencer = type('Inferencer', (), dict(cfg=None))
    explorer.names = ('rgb',)
    found, note = tool.collect_samples(explorer)
    assert found == []
    assert note.startswith("No samples of the test data: 'data/rgb' must exist")
