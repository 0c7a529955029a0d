from itertools import product

import pytest

from mmseg_cen.corruptions import Corruption
from mmseg_cen.loops.protocol_report import summarize, title_of
from mmseg_cen.loops.protocols import Case, cases_of, expectation

NAMES = ('rgb', 'depth', 'event', 'lidar')


@pytest.mark.parametrize('M', [2, 3, 4])
@pytest.mark.parametrize('missing', ['absent', 'zero'])
def test_every_subset_but_all_is_missing_once(M, missing):
    cases = cases_of('emm', NAMES[:M], missing)
    assert len({case.damaged for case in cases}) == len(cases) == 2**M - 1
    assert cases[0] == Case('+'.join(NAMES[:M]))
    for case in cases:
        zeros = tuple(Corruption(name, 'zero') for name in case.damaged)
        known = missing == 'absent'
        assert case.absent == (case.damaged if known else ())
        assert case.corruptions == (() if known else zeros)
        assert {*case.name.split('+')} == {*NAMES[:M]} - {*case.damaged}


@pytest.mark.parametrize('M', [2, 3, 4])
def test_elements_of_every_subset_but_all_are_missing_at_three_shares(M):
    cases = cases_of('rmm', NAMES[:M])
    assert len(cases) == 1 + 3 * (2**M - 2)
    assert cases[0].corruptions == ()
    seen = set()
    for case in cases[1:]:
        share = float(case.level.removeprefix('r='))
        seen.add((case.damaged, share))
        assert case.corruptions == tuple(
            Corruption(name, 'zero', share) for name in case.damaged
        )
    assert {share for _, share in seen} == {0.25, 0.5, 0.75}
    assert len(seen) == len(cases) - 1


def test_noise_is_on_all_modalities_but_gaussian_noise_not_on_some():
    cases = cases_of('nm', NAMES, no_gaussian=['event'], seed=7)
    levels = [(0.05, 0.1), (0.1, 0.2), (0.2, 0.5)]
    for case, (density, std) in zip(cases[1:], levels, strict=True):
        salt = [Corruption(m, 'salt_and_pepper', density, seed=7) for m in NAMES]
        gaussian = [
            Corruption(m, 'gaussian', std, seed=7) for m in ('rgb', 'depth', 'lidar')
        ]
        assert case.corruptions == (*salt, *gaussian)


@pytest.mark.parametrize('M', [2, 3, 4])
@pytest.mark.parametrize('p', [0.2, 0.05])
def test_the_expectation_is_that_of_modalities_that_fail_by_themselves(M, p):
    """Given that one is left, as counted over all outcomes of M draws."""
    figure = {fails: 50.0 - 7 * sum(fails) for fails in product((0, 1), repeat=M)}
    total = weight = 0.0
    for fails, value in figure.items():
        if sum(fails) < M:
            chance = 1.0
            for fail in fails:
                chance *= p if fail else 1 - p
            total, weight = total + chance * value, weight + chance
    subsets = [(sum(f), value) for f, value in figure.items() if sum(f) < M]
    assert expectation(subsets, M, p) == pytest.approx(total / weight)


def test_modalities_that_never_fail_leave_the_intact_figure_and_some_remain():
    figures = [(0, 50.0), (1, 20.0), (1, 10.0)]
    assert expectation(figures, 2, 0) == 50
    for p in (1, -0.1):
        with pytest.raises(ValueError, match=r'must be in \[0, 1\)'):
            expectation(figures, 2, p)


def test_intact_data_count_at_every_level():
    cases = cases_of('rmm', ('rgb', 'depth'))
    metrics = {case.name: dict(mIoU=10.0 * i) for i, case in enumerate(cases)}
    summary = summarize(cases, metrics, 2)
    assert summary['r=0.25/Avg'] == pytest.approx((0 + 10 + 20) / 3)
    assert summary['r=0.75/Avg'] == pytest.approx((0 + 50 + 60) / 3)
    assert summary['r=0.5/E(0.2)'] == pytest.approx(0.16 * 70 / (0.64 + 0.32))


def test_noise_has_a_mean_over_its_levels():
    cases = cases_of('nm', ('rgb', 'depth'))
    metrics = {case.name: dict(mIoU=10.0 * i) for i, case in enumerate(cases)}
    assert summarize(cases, metrics, 2) == dict(Avg=20.0)


def test_the_title_of_noise_says_which_modalities_have_none_of_a_kind():
    info = dict(config='a.py', checkpoint='a.pth', samples=2, no_gaussian=())
    assert 'Gaussian' not in title_of('nm', info)
    assert 'No Gaussian noise on event, lidar:' in title_of(
        'nm', {**info, 'no_gaussian': ('event', 'lidar')}
    )
