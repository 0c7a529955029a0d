import pytest
import torch
from torch.testing import assert_close

from mmseg_cen.multitask.weighting import (
    FixedWeights,
    UncertaintyWeights,
    build_weighting,
)

TASKS = ('segmentation', 'depth')


def losses():
    return dict(
        segmentation=dict(loss_ce=torch.tensor(2.0), acc_seg=torch.tensor(50.0)),
        depth=dict(loss_log_l1=torch.tensor(0.5)),
    )


def total(found):
    return sum(value for name, value in found.items() if 'loss' in name)


def test_fixed_weights_multiply_losses_and_nothing_else():
    found = FixedWeights(TASKS, dict(depth=4))(losses())
    assert found == {
        'segmentation.loss_ce': 2.0,
        'segmentation.acc_seg': 50.0,
        'depth.loss_log_l1': 2.0,
    }


def test_uncertainties_are_those_of_kendall_et_al():
    weighting = UncertaintyWeights(TASKS, [True, False])
    s = torch.tensor([0.3, -0.7])
    weighting.log_variances.data = s
    sigma = (s / 2).exp()
    expected = 2 / sigma[0] ** 2 + 0.5 / (2 * sigma[1] ** 2) + sigma.log().sum()
    assert_close(total(weighting(losses())), expected)


def test_the_best_uncertainties_are_the_losses_themselves():
    """Where the derivative is 0: sigma^2 = 2 L of a classification, L of others."""
    weighting = UncertaintyWeights(TASKS, [True, False])
    weighting.log_variances.data = torch.tensor([4.0, 0.5]).log()
    total(weighting(losses())).backward()
    assert_close(weighting.log_variances.grad, torch.zeros(2))


@pytest.mark.parametrize('wrong', [dict(depth=-1), dict(depth=float('nan')), 'equal'])
def test_wrong_weights_are_refused(wrong):
    with pytest.raises(ValueError, match='`weighting` must'):
        build_weighting(wrong, TASKS, [True, False])


def test_weights_are_1_unless_they_are_said():
    assert build_weighting(None, TASKS, [True, False]).weights == dict(
        segmentation=1.0, depth=1.0
    )
