import numpy as np
import pytest

from mmseg_cen.visualization.curves import (
    draw_curves,
    group_by_quantity,
    select,
    smooth,
)


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
    keys += ['physical/MAE', 'physical/rgb/MAE']  # in meters
    assert group_by_quantity(keys) == {
        'loss': ['loss'],
        'loss_l1': ['loss_l1_rgb', 'loss_l1_ensemble'],
        'loss_gan': ['loss_gan_rgb'],
        'MAE': ['MAE', 'rgb/MAE'],
        'loss_ce': ['decode.rgb.loss_ce', 'decode.depth.loss_ce'],
        'physical/MAE': ['physical/MAE', 'physical/rgb/MAE'],
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
