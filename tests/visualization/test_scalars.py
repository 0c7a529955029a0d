import json

import numpy as np
import pytest

from mmseg_cen.visualization.scalars import read_scalars, read_starts


def write(work_dir, run, *lines):
    path = work_dir / run / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return path


def test_a_resumed_run_continues_the_curve(tmp_path):
    write(
        tmp_path,
        '20260101_000000',
        dict(loss=4.0, iter=10, epoch=1, step=10),
        dict(loss=9.0, step=20),
        {'MAE': 0.5, 'rgb/MAE': float('nan'), 'step': 1},
    )
    write(tmp_path, '20260102_000000', dict(loss=3.0, step=20), dict(loss=2.0, step=30))
    curves = read_scalars(tmp_path)
    assert set(curves) == {'loss', 'MAE', 'rgb/MAE'}
    steps, values = curves['loss']
    assert steps.tolist() == [10, 20, 30]
    assert values.tolist() == [4, 3, 2]
    assert np.isnan(curves['rgb/MAE'][1]).all()
    only = read_scalars(tmp_path / '20260102_000000' / 'vis_data' / 'scalars.json')
    assert only['loss'][0].tolist() == [20, 30]


def test_seconds_of_the_validation_are_apart_from_those_of_the_training(tmp_path):
    write(
        tmp_path, 'run', dict(time=0.5, iter=4, step=4), dict(time=9.0, mAcc=1, step=4)
    )
    curves = read_scalars(tmp_path)
    assert {key: values.tolist() for key, (_, values) in curves.items()} == {
        'time': [0.5], 'val/time': [9.0], 'mAcc': [1.0],
    }  # fmt: skip


def test_a_line_that_an_interruption_cut_off_is_left_out(tmp_path):
    log = tmp_path / 'scalars.json'
    log.write_text('{"loss": 2.0, "step": 1}\n{"loss": 1.0, "st')
    steps, values = read_scalars(log)['loss']
    assert (steps.tolist(), values.tolist()) == ([1], [2.0])
    log.write_text('{"loss": 2.0, "st\n{"loss": 1.0, "step": 2}\n')
    with pytest.raises(ValueError, match='line 1: remove'):
        read_scalars(log)


def test_missing_and_broken_logs_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match='LocalVisBackend'):
        read_scalars(tmp_path)
    path = write(tmp_path, 'run', dict(loss=1.0, step=1), dict(loss=1.0))
    with pytest.raises(ValueError, match=r'with a `step`, got .* line 2'):
        read_scalars(tmp_path)
    path.write_text('{"loss": 1\n{"loss": 1, "step": 2}')
    with pytest.raises(ValueError, match='line 1'):
        read_scalars(tmp_path)


def train(*iterations, of=1.0):
    return [dict(loss=of, iter=i, step=i) for i in iterations]


def test_a_start_takes_the_place_of_what_it_went_back_behind(tmp_path):
    """Whatever the intervals at which each start logs and validates."""
    logs = {
        '20260101_000000': 'x - INFO - start',
        '20260102_000000': 'x - INFO - resumed epoch: 2, iter: 20',
        '20260103_000000': 'x - INFO - resumed epoch: 2, iter: 20',
    }
    write(
        tmp_path, '20260101_000000',
        *train(10), dict(mIoU=1, step=1), *train(20), dict(mIoU=2, step=2), *train(30),
    )  # fmt: skip
    later = [*train(25, 30, of=2.0), dict(mIoU=3, step=3), *train(40), dict(step=4)]
    write(tmp_path, '20260102_000000', *later)
    write(tmp_path, '20260103_000000', *train(28, of=3.0))
    for name, text in logs.items():
        (tmp_path / name / f'{name}.log').write_text(text)
    curves = read_scalars(tmp_path)
    assert curves['loss'][0].tolist() == [10, 20, 28]
    assert curves['loss'][1].tolist() == [1, 1, 3]
    assert curves['mIoU'][0].tolist() == [1, 2]
    # One that began anew is all that counts, also if it logs later and ends earlier.
    name = '20260104_000000'
    write(tmp_path, name, *train(19, of=4.0))
    (tmp_path / name / f'{name}_host_device0_rank0.log').write_text('x - INFO - start')
    assert {k: v[0].tolist() for k, v in read_scalars(tmp_path).items()} == {
        'loss': [19]
    }
    [start] = read_starts(tmp_path)
    assert start.folder.name == name
    # One that ended before it logged anything changes nothing.
    write(tmp_path, '20260105_000000')
    assert read_scalars(tmp_path)['loss'][0].tolist() == [19]


def test_without_logs_in_words_a_start_resumed_where_its_scalars_begin(tmp_path):
    write(tmp_path, '1', *train(10, 20, 30), dict(mIoU=9, step=3))
    write(tmp_path, '2', *train(20, of=2.0))
    curves = read_scalars(tmp_path)
    assert [values.tolist() for values in curves['loss']] == [[10, 20], [1, 2]]
    assert 'mIoU' not in curves
    write(tmp_path, '3', *train(10, of=3.0))
    assert [v.tolist() for v in read_scalars(tmp_path)['loss']] == [[10], [3]]
