import os
import socket

import pytest
from reporting.logs import class_table
from reporting.page import read_runs
from reporting.predicting import choose_checkpoint
from reporting.quantities import validation_quantity
from reporting.reading import flatten, read_run

from mmseg_cen.checkpoints.lock import HOLDER


def test_scalars_of_the_training_and_of_validations_stay_apart(work_dir):
    run = read_run(work_dir(), 'run')
    assert run.curves['time'][1].tolist() == [0.25] * 4
    assert run.validations['val/time'][1].tolist() == [9.0] * 2
    assert run.validations['mIoU'][0].tolist() == [1, 2]
    assert 'mIoU' not in run.curves
    assert run.outputs == ['rgb', 'depth', 'ensemble']
    assert run.unit == 'epoch'


def test_a_training_that_began_anew_leaves_out_the_one_before(work_dir, lines):
    train = [line for line in lines if 'iter' in line]
    other = [{**line, 'loss': 9.0} for line in train]
    words = ['x - INFO - resumed epoch: 1, iter: 20']
    folder = work_dir('resumed', (other[:2], train[2:]), resumed=words)
    resumed = read_run(folder, 'run')
    assert resumed.curves['loss'][1].tolist() == [9.0, 9.0, 1.0, 0.75]
    assert len(resumed.starts) == 2
    assert 'resumed once' in resumed.state[1]
    # Also where it logs at longer intervals than the one before.
    anew = read_run(work_dir('anew', (other, train[1:2])), 'run')
    assert anew.curves['loss'][1].tolist() == [1.5]
    assert len(anew.starts) == 1


def test_files_of_a_training_before_are_none_of_this_one(work_dir, lines):
    for name, starts in dict(only=[lines], anew=[lines, lines]).items():
        run = read_run(work_dir(name, starts, last='epoch_8'), 'run')
        best = run.folder / 'best_mIoU_epoch_2.pth'
        best.touch()
        assert choose_checkpoint(run) == best
        assert run.length == (8, 2, 'epochs')
        os.utime(best, (0, 0))
        os.utime(run.folder / 'last_checkpoint', (0, 0))
        is_anew = name == 'anew'
        assert choose_checkpoint(run) == (None if is_anew else best)
        assert run.length == (2 if is_anew else 8, 2, 'epochs')


def test_a_run_says_how_far_it_is(work_dir, config_text):
    assert read_run(work_dir(), 'run').state == ('finished', 'finished, 2 of 2 epochs')
    longer = config_text.replace('max_epochs=2', 'max_epochs=9')
    folder = work_dir('longer', config=longer, last=None)
    assert read_run(folder, 'run').state == ('stopped', 'unfinished, 2 of 9 epochs')
    (folder / HOLDER).write_text(f'{os.getpid()} {socket.gethostname()}')
    assert read_run(folder, 'run').state == ('running', 'in training, 2 of 9 epochs')
    iterations = "train_cfg = dict(max_iters=80)\nmodel = dict(type='A')\n"
    run = read_run(work_dir('iterations', config=iterations, last=None), 'run')
    assert run.state == ('stopped', 'unfinished, 40 of 80 iterations')


def test_errors_in_physical_units_are_no_output_and_have_a_plot_of_their_own(work_dir):
    line = {'MAE': 0.1, 'rgb/MAE': 0.2, 'physical/MAE': 1.0, 'physical/rgb/MAE': 2.0}
    run = read_run(work_dir(starts=([{**line, 'step': 1}],), config=None), 'run')
    assert run.outputs == ['rgb', 'ensemble']
    titles = {key: validation_quantity(key)[0].title for key in line}
    assert titles['MAE'] == titles['rgb/MAE'] == 'MAE of the validation'
    assert titles['physical/MAE'] == titles['physical/rgb/MAE'] == 'MAE, physical'
    assert validation_quantity('physical/rgb/MAE')[1] == 'rgb'
    plot, curve = validation_quantity('released/FID')
    assert (plot.title, curve) == ('FID, released', 'ensemble')


def test_logs_tell_command_data_classes_and_time(work_dir):
    facts = read_run(work_dir(), 'run').facts
    assert facts.lines['command'] == 'python tools/train.py configs/a.py'
    assert facts.lines['training data'] == '80 samples'
    assert facts.lines['versions'].startswith('Python 3.11.7, torch')
    assert facts.classes['wall'] == {'rgb IoU': 50.0, 'ensemble IoU': 60.0}
    assert facts.warnings == ('classes do not occur',)
    assert facts.spent.total_seconds() == 300
    assert 2 in facts.full_epochs


def test_the_toolbox_logs_a_table_of_classes_by_itself():
    table = '+-------+------+\n| Class | IoU  |\n+-------+------+\n|  wall | 50.0 |\n'
    words = '2026/01/01 10:04:00 - mmengine - INFO - '
    log = f'{words}per class results:\n{words}\n{table}+-------+------+\n{words}done'
    assert class_table(log) == {'wall': {'IoU': 50.0}}
    assert class_table(f'{words}per class results:') == {}
    assert class_table(f'{words}per class results:\n{words}done\n{words}') == {}


def test_a_run_without_config_is_read(work_dir):
    run = read_run(work_dir(config=None), 'run')
    assert run.config is None
    assert run.state == ('stopped', 'unfinished, 40 iterations')


def test_a_folder_without_training_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='give the work directory'):
        read_run(tmp_path, 'run')


def test_runs_have_short_and_different_names(work_dir):
    a, b = work_dir('a/seed_0'), work_dir('b/seed_0')
    assert [run.name for run in read_runs([a])] == ['a/seed_0']
    assert [run.name for run in read_runs([a, b, a])] == ['a/seed_0', 'b/seed_0']


def test_settings_of_a_config_have_dotted_names():
    config = dict(a=dict(b=1, c=[1, 2]), d=[dict(e=3)], f={})
    assert dict(flatten(config)) == {'a.b': 1, 'a.c': [1, 2], 'd[0].e': 3, 'f': {}}
