import json

import numpy as np
import pytest

from mmseg_cen.visualization.curves import (
    draw_curves,
    group_by_quantity,
    read_scalars,
    select,
    smooth,
)


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


def test_keys_are_selected_by_patterns():
    keys = ['loss', 'loss_l1_rgb', 'MAE', 'rgb/MAE']
    assert select(keys, ['*MAE', 'loss']) == ['loss', 'MAE', 'rgb/MAE']
    with pytest.raises(
        ValueError, match=r"got 'FID', which .* none of the keys \['MAE'"
    ):
        select(keys, ['FID'])


def test_smoothing_is_a_running_mean_that_skips_what_is_not_finite():
    values = np.array([1.0, 3.0, np.nan, 5.0, 7.0])
    np.testing.assert_allclose(smooth(values, 1), values)
    np.testing.assert_allclose(smooth(values, 2), [1, 2, 3, 5, 6])
    assert np.isnan(smooth(np.array([np.nan, 1.0]), 3)[0])


def test_streams_share_a_panel():
    keys = ['loss', 'loss_l1_rgb', 'loss_l1_ensemble', 'loss_gan_rgb', 'MAE', 'rgb/MAE']
    keys += ['decode.rgb.loss_ce', 'decode.depth.loss_ce']
    assert group_by_quantity(keys) == {
        'loss': ['loss'],
        'loss_l1': ['loss_l1_rgb', 'loss_l1_ensemble'],
        'loss_gan': ['loss_gan_rgb'],
        'MAE': ['MAE', 'rgb/MAE'],
        'loss_ce': ['decode.rgb.loss_ce', 'decode.depth.loss_ce'],
    }


def test_every_curve_is_drawn():
    steps = np.arange(20.0)
    one = draw_curves(dict(MAE=(steps, steps)))
    two = draw_curves({'MAE': (steps, steps), 'rgb/MAE': (steps, 19 - steps)})
    assert one.dtype == np.uint8
    # The second color of matplotlib occurs with the second curve only.
    orange = (255, 127, 14)
    assert not (one == orange).all(-1).any()
    assert (two == orange).all(-1).any()
    panels = draw_curves(dict.fromkeys('abcd', (steps, steps)), window=3, title='x')
    assert panels.shape == (600, 1260, 3)


def test_a_single_value_and_values_that_are_not_finite_are_drawn():
    nan = np.array([np.nan, np.inf, 1.0])
    picture = draw_curves({'FID': (np.arange(3.0), nan), 'MAE': (nan[2:], nan[2:])}, 2)
    assert picture.ndim == 3
