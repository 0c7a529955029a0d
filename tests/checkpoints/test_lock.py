import os
import socket
import subprocess
import sys

import pytest
from filelock import FileLock

from mmseg_cen.checkpoints import (
    is_training,
    lock,
    lock_training,
    unlock_training,
)

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], 'w')
fcntl.flock(file, fcntl.LOCK_EX)
print('held', flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has locked the work directory."""
    command = [sys.executable, '-S', '-c', HOLD, str(tmp_path / lock.LOCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        (tmp_path / lock.HOLDER).write_text(f'{process.pid} {socket.gethostname()}')
        yield process
        process.kill()


def test_a_second_training_is_refused_and_told_whose_the_first_is(holder, tmp_path):
    with pytest.raises(ValueError, match=rf'process {holder.pid} on .* or choose') as e:
        lock_training(str(tmp_path))
    assert f'remove {str(tmp_path / lock.LOCK)!r}' in str(e.value)
    assert is_training(tmp_path)


def test_the_lock_of_a_killed_training_is_gone(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert not is_training(tmp_path)
    lock_training(str(tmp_path))
    held = (tmp_path / lock.HOLDER).read_text()
    assert held == f'{os.getpid()} {socket.gethostname()}'
    unlock_training(str(tmp_path))


def test_a_process_locks_once_and_unlocks(tmp_path):
    folder = tmp_path / 'new'
    lock_training(str(folder))
    lock_training(str(folder))
    unlock_training(str(folder))
    unlock_training(str(folder))
    with FileLock(folder / lock.LOCK, timeout=0):
        assert not (folder / lock.HOLDER).exists()


@pytest.mark.parametrize('error', [OSError(37, 'No locks'), NotImplementedError('no')])
def test_a_file_system_without_locks_does_not_stop_a_training(
    error, tmp_path, monkeypatch
):
    def acquire(self, timeout):
        raise error

    monkeypatch.setattr(FileLock, 'acquire', acquire)
    lock_training(str(tmp_path))
    assert not (tmp_path / lock.HOLDER).exists()
