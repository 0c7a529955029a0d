from collections import Counter

import numpy as np
import pytest

from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import RandomModalityDropout

MODALITIES = build_modalities(dict(rgb={}, depth={}, thermal={}))


def draws(prob, n=4000, **results):
    np.random.seed(0)
    dropout = RandomModalityDropout(prob)
    samples = [dropout(dict(modalities=MODALITIES, **results)) for _ in range(n)]
    return Counter(sample['absent'] for sample in samples)


def test_each_is_absent_with_its_probability_given_that_not_all_are():
    prob = dict(rgb=0.2, depth=0.7, thermal=0.5)
    counts = draws(prob)
    assert ('rgb', 'depth', 'thermal') not in counts
    for subset in [(), ('depth',), ('rgb', 'depth'), ('depth', 'thermal')]:
        chance = np.prod([p if m in subset else 1 - p for m, p in prob.items()])
        expected = chance / (1 - np.prod([*prob.values()]))
        assert counts[subset] / 4000 == pytest.approx(expected, abs=0.03)


def test_one_probability_is_that_of_all():
    counts = draws(0.3)
    for name in MODALITIES:
        share = sum(n for absent, n in counts.items() if name in absent) / 4000
        assert share == pytest.approx((0.3 - 0.3**3) / (1 - 0.3**3), abs=0.03)


def test_what_is_not_named_is_never_absent():
    assert set(draws(dict(depth=0.5), n=100)) == {(), ('depth',)}
    assert set(draws(0.0, n=100)) == {()}


def test_what_is_missing_stays_so_and_something_is_left():
    counts = draws(0.9, n=500, absent=('depth',))
    assert set(counts) == {('depth',), ('rgb', 'depth'), ('depth', 'thermal')}


@pytest.mark.parametrize('prob', [1.0, -0.1, dict(depth=1.5)])
def test_a_probability_is_below_one(prob):
    with pytest.raises(ValueError, match=r'in \[0, 1\)'):
        RandomModalityDropout(prob)


def test_a_name_that_is_no_modality_is_refused():
    with pytest.raises(ValueError, match=r"got \['lidar'\]"):
        draws(dict(lidar=0.5), n=1)
