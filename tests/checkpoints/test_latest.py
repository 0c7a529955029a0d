import errno
import os
import shutil
from pathlib import Path

import pytest
import torch

from mmseg_cen.checkpoints import latest, latest_checkpoint, note_checkpoint


@pytest.fixture
def folder(tmp_path):
    """A work directory with three checkpoints, of which the last is noted."""
    for seconds, number in enumerate((9, 10, 11)):
        path = tmp_path / 'work' / f'epoch_{number}.pth'
        path.parent.mkdir(exist_ok=True)
        torch.save({'weight': torch.arange(1000)}, path)
        os.utime(path, (seconds, seconds))
    note_checkpoint(str(path.parent), str(path))
    return path.parent


def damage(path, how):
    content = path.read_bytes()
    if how == 'cut':
        path.write_bytes(content[:-50])
    elif how == 'empty':
        path.write_bytes(b'')
    elif how == 'changed':
        middle = len(content) // 2
        path.write_bytes(content[:middle] + b'xyz' + content[middle + 3 :])
    else:
        path.unlink()


def test_without_checkpoints_there_is_none(tmp_path):
    assert latest_checkpoint(str(tmp_path)) is None


def test_what_is_noted_counts(folder):
    note_checkpoint(str(folder), str(folder / 'epoch_9.pth'))
    assert latest_checkpoint(str(folder)) == str(folder / 'epoch_9.pth')


@pytest.mark.parametrize('how', ['cut', 'empty', 'changed', 'missing'])
def test_the_checkpoint_before_stands_in_for_a_damaged_one(folder, how):
    damage(folder / 'epoch_11.pth', how)
    assert latest_checkpoint(str(folder)) == str(folder / 'epoch_10.pth')
    damage(folder / 'epoch_10.pth', how)
    assert latest_checkpoint(str(folder)) == str(folder / 'epoch_9.pth')


def test_the_checkpoint_before_counts_and_not_one_of_a_longer_training(folder):
    shutil.copy(folder / 'epoch_9.pth', folder / 'epoch_300.pth')
    damage(folder / 'epoch_11.pth', 'cut')
    assert latest_checkpoint(str(folder)) == str(folder / 'epoch_10.pth')


@pytest.mark.parametrize('note', [None, '', '\xff', '/elsewhere/epoch_8.pth'])
def test_a_note_that_is_lost_leads_to_the_newest(folder, note):
    (folder / 'last_checkpoint').unlink()
    if note is not None:
        (folder / 'last_checkpoint').write_text(note, encoding='latin-1')
    assert latest_checkpoint(str(folder)) == str(folder / 'epoch_11.pth')


def test_a_copied_work_directory_resumes_from_itself(folder):
    copied = folder.with_name('copied')
    shutil.copytree(folder, copied)
    assert latest_checkpoint(str(copied)) == str(copied / 'epoch_11.pth')
    moved = copied.rename(folder.with_name('moved'))
    assert latest_checkpoint(str(moved)) == str(moved / 'epoch_11.pth')


def test_without_a_complete_checkpoint_the_training_begins_anew(folder):
    for path in folder.glob('*.pth'):
        damage(path, 'cut')
    assert latest_checkpoint(str(folder)) is None


def test_a_noted_checkpoint_that_vanished_with_all_others_is_told(folder):
    for path in folder.glob('*.pth'):
        path.unlink()
    assert latest_checkpoint(str(folder)) == str(folder / 'epoch_11.pth')


def test_a_checkpoint_that_may_not_be_read_is_not_passed_over(folder, monkeypatch):
    """The training would begin anew, and write over it."""

    def forbidden(path, *args):
        raise PermissionError(errno.EACCES, 'Permission denied', str(path))

    monkeypatch.setattr('zipfile.is_zipfile', lambda path: False)
    monkeypatch.setattr(Path, 'open', forbidden)
    monkeypatch.setattr(latest, '_noted', lambda _: folder / 'epoch_11.pth')
    with pytest.raises(PermissionError, match='epoch_11'):
        latest_checkpoint(str(folder))
