"""Each training is run once, whatever becomes of the command that started it."""

import multiprocessing
import os
import signal
import time

from filelock import FileLock
from paper import training
from paper.configs import build_config
from paper.rows import TABLES
from paper.training import Task, train_one

ROWS = {row.name: row for table in TABLES.values() for row in table.rows}


def test_a_training_that_outlives_its_command_is_not_started_twice(
    tmp_path, monkeypatch
):
    script = tmp_path / 'tools/train.py'
    script.parent.mkdir()
    script.write_text(
        'import os, sys, time, pathlib\n'
        "work_dir = pathlib.Path(sys.argv[sys.argv.index('--work-dir') + 1])\n"
        "first = not (work_dir / 'pid').exists()\n"
        "(work_dir / 'new').write_text(str(os.getpid()))\n"
        "(work_dir / 'new').rename(work_dir / 'pid')\n"
        'time.sleep(60 * first)\n'
    )
    monkeypatch.setattr(training, 'ROOT', tmp_path)
    row = ROWS['exchange_half']
    cfg = build_config(row, 'synthetic', 1, 0)
    task = Task(row, 0, cfg, tmp_path / 'run')
    environment = dict(os.environ)
    command = multiprocessing.get_context('fork').Process(
        target=train_one, args=(task, environment)
    )
    command.start()
    pid_file = tmp_path / 'run/pid'
    while not pid_file.exists():
        time.sleep(0.05)
    started = int(pid_file.read_text())
    try:
        os.kill(command.pid, signal.SIGKILL)
        command.join()
        outcome = train_one(task, environment)
        assert outcome.startswith(f'another process trains in {tmp_path}/run;')
        assert int(pid_file.read_text()) == started
    finally:
        os.kill(started, signal.SIGKILL)
    for _ in range(100):  # until the system has ended it
        outcome = train_one(task, environment)
        if outcome == 'done':
            break
        time.sleep(0.05)
    assert outcome == 'done'
    assert int(pid_file.read_text()) != started


def test_a_lock_that_another_process_has_taken_meanwhile_is_no_failure(
    tmp_path, monkeypatch
):
    row = ROWS['exchange_half']
    task = Task(row, 0, build_config(row, 'synthetic', 1, 0), tmp_path / 'run')
    script = tmp_path / 'tools/train.py'
    script.parent.mkdir()
    script.write_text('')
    monkeypatch.setattr(training, 'ROOT', tmp_path)
    run = training.subprocess.run

    def run_while_locked(*args, **kwargs):
        with FileLock(tmp_path / 'run/train.lock', timeout=0):
            return run(*args, **kwargs)

    monkeypatch.setattr(training.subprocess, 'run', run_while_locked)
    assert train_one(task, dict(os.environ)).startswith('another process trains')
    monkeypatch.setattr(training.subprocess, 'run', run)
    assert train_one(task, dict(os.environ)) == 'done'
    script.write_text('raise SystemExit(1)')
    assert train_one(task, dict(os.environ)).startswith('FAILED, see ')
