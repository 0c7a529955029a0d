import pytest

from mmseg_cen.multitask.gain import relative_gains


def test_a_gain_is_positive_where_several_tasks_are_better():
    gains = relative_gains(
        {'mIoU': 44.0, 'depth/rmse': 0.55}, {'mIoU': 40.0, 'depth/rmse': 0.5},
        lower_is_better=['depth/rmse'],
    )  # fmt: skip
    assert gains == {'mIoU': pytest.approx(0.1), 'depth/rmse': pytest.approx(-0.1)}


@pytest.mark.parametrize('single', [{}, {'mIoU': 0.0}])
def test_a_figure_without_a_twin_is_refused(single):
    with pytest.raises(ValueError, match=r"none of \['mIoU'\]"):
        relative_gains({'mIoU': 40.0}, single, [])
