import pytest

from mmseg_cen.hooks.weight_schedule import WeightSchedule

PEAK = 0.25


def test_lambda_grows_linearly_during_warm_up():
    schedule = WeightSchedule(warmup_iters=4)
    weights = [schedule.weight(PEAK, i) for i in range(6)]
    assert weights == [w * PEAK for w in (0.25, 0.5, 0.75, 1, 1, 1)]


def test_lambda_is_interpolated_between_the_points_of_a_schedule():
    schedule = WeightSchedule(schedule=[(0, 1), (0.5, 1), (1, 0)])
    weights = [schedule.weight(PEAK, 0, p) for p in (0, 0.25, 0.5, 0.75, 1)]
    assert weights == [w * PEAK for w in (1, 1, 1, 0.5, 0)]


def test_warm_up_and_schedule_are_multiplied():
    schedule = WeightSchedule(2, [(0, 1), (1, 0)])
    assert schedule.weight(PEAK, 0, 0.5) == PEAK / 4


@pytest.mark.parametrize(
    'schedule',
    [
        5,
        [],
        [0, 1],
        [(0, 'a')],
        [(0, float('nan'))],
        [(0, 1), (2, 0)],
        [(-1, 1), (1, 0)],
        [(0.5, 1), (0, 0)],
        [(0, 1), (0, 0)],
        [(0, -1)],
    ],
    ids=str,
)
def test_what_is_not_a_schedule_is_refused(schedule):
    with pytest.raises(ValueError, match='`schedule` must be a list of pairs') as error:
        WeightSchedule(schedule=schedule)
    assert f'got {schedule}' in str(error.value)


@pytest.mark.parametrize('iters', [-5, 1.5])
def test_a_warm_up_of_no_number_of_iterations_is_refused(iters):
    with pytest.raises(ValueError, match=f'at least 0, got {iters}'):
        WeightSchedule(iters)
