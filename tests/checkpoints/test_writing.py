import os
from pathlib import Path

import pytest
import torch
from mmengine.fileio import get_file_backend, put, put_text
from mmengine.runner import save_checkpoint

import mmseg_cen.checkpoints  # noqa: F401  (replaces the writer of mmengine)


@pytest.mark.parametrize(
    'write',
    [
        lambda path: put(b'new', path),
        lambda path: put_text('new', path),
        lambda path: save_checkpoint({'new': torch.zeros(1)}, str(path)),
        lambda path: get_file_backend(backend_args={'backend': 'local'}).put(
            b'new', path
        ),
    ],
)
def test_what_mmengine_writes_takes_its_place_at_once(write, tmp_path, monkeypatch):
    path = tmp_path / 'folder' / 'file.pth'
    write(path)
    assert [p.name for p in path.parent.iterdir()] == ['file.pth']
    path.write_bytes(b'old')

    def killed(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr('pathlib.Path.replace', killed)
    with pytest.raises(KeyboardInterrupt):
        write(path)
    assert path.read_bytes() == b'old'
    assert [p.name for p in path.parent.iterdir()] == ['file.pth']


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """The one before is removed behind it."""
    done = []
    replace = Path.replace

    def noted(self, target):
        done.append('replace')
        return replace(self, target)

    monkeypatch.setattr('os.fsync', lambda file: done.append('fsync'))
    monkeypatch.setattr('pathlib.Path.replace', noted)
    save_checkpoint({'new': torch.zeros(1)}, str(tmp_path / 'epoch_1.pth'))
    assert done == ['fsync', 'replace']


def test_links_and_devices_stay_what_they_are(tmp_path):
    (tmp_path / 'file').write_text('old')
    (tmp_path / 'link').symlink_to('file')
    put_text('new', tmp_path / 'link')
    assert (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'file').read_text() == 'new'
    put_text('gone', os.devnull)
    assert not os.path.isfile(os.devnull)
