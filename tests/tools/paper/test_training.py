"""Each training is run once, whatever becomes of the command that started it."""

import multiprocessing
import os
import signal
import time
from argparse import Namespace
from dataclasses import replace
from functools import partial

import pytest
import torch
from filelock import FileLock
from paper import training
from paper.configs import build_config
from paper.rows import ALL_TABLES, TABLES
from paper.training import Task, plan, train_one

from mmseg_cen.launch import complete

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


def planned(folder, table, **options):
    args = Namespace(data='synthetic', epochs=1, seeds=[0], weights=None)
    table = replace(table, rows=[ROWS['exchange_half']])
    return plan(table, folder, Namespace(**{**vars(args), **options}))


def test_a_repeated_call_finds_its_training_whatever_the_modes(tmp_path):
    """The copy of the config in a work directory has hooks in place of the modes."""
    cache = str(tmp_path / 'cache')
    options = {
        'channels_last': True,
        'train_dataloader.pin_memory': True,
        'decoded_cache': cache,
    }
    plan_again = partial(planned, tmp_path, TABLES['1'], data='nyud_half')
    (task,) = plan_again(cfg_options=options)
    assert task.cfg.train_dataloader.dataset.pipeline[0].cache == cache
    (task.work_dir / 'a/vis_data').mkdir(parents=True)
    (task.work_dir / 'a/vis_data/scalars.json').touch()
    runner_cfg = task.cfg.copy()
    complete(runner_cfg)
    runner_cfg.dump(task.work_dir / 'copy.py')
    assert plan_again(cfg_options=options)
    options.pop('channels_last')
    with pytest.raises(ValueError, match='got other settings of custom_hooks:'):
        plan_again(cfg_options=options)


def test_a_start_from_other_weights_is_another_training(tmp_path):
    plan_again = partial(planned, tmp_path, TABLES['1'])
    (task,) = plan_again(cfg_options={'load_from': 'a.pth'})
    (task.work_dir / 'a/vis_data').mkdir(parents=True)
    (task.work_dir / 'a/vis_data/scalars.json').touch()
    task.cfg.dump(task.work_dir / 'copy.py')
    assert plan_again(cfg_options={'load_from': 'a.pth'})
    with pytest.raises(ValueError, match='got other settings of load_from:'):
        plan_again(cfg_options={})
    task.cfg.resume, task.cfg.load_from = True, 'epoch_1.pth'
    task.cfg.dump(task.work_dir / 'copy.py')
    assert plan_again(cfg_options={'load_from': 'a.pth'}), 'it was resumed'


def test_an_option_that_nothing_reads_ends_the_plan(tmp_path):
    options = {'train_datloader.batch_size': 4}
    with pytest.raises(
        ValueError, match=r"got 'train_datloader\.ba.*'train_dataloader'"
    ):
        planned(tmp_path, TABLES['1'], cfg_options=options)


def test_only_where_rows_are_compared_a_training_stores_each_image(tmp_path):
    real = ALL_TABLES['real']
    (task,) = planned(tmp_path, TABLES['1'], cfg_options={})
    assert 'per_image_file' not in task.cfg.val_evaluator
    (task.work_dir / 'a/vis_data').mkdir(parents=True)
    (task.work_dir / 'a/vis_data/scalars.json').touch()
    task.cfg.dump(task.work_dir / 'copy.py')
    (same,) = planned(tmp_path, real, cfg_options={})
    assert same.work_dir == task.work_dir, 'an older training goes on'
    path = task.work_dir / 'per_image.npz'
    assert same.cfg.val_evaluator.per_image_file == str(path)


def test_weights_that_do_not_fit_end_the_plan(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=dict(a=torch.ones(1))), path)
    with pytest.raises(ValueError, match='must hold the weights of this CENResNet'):
        planned(tmp_path, TABLES['1'], cfg_options={}, weights=path)
