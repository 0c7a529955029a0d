import numpy as np
import pytest

from mmseg_cen.corruptions import Corruption
from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import CorruptModalities

MODALITIES = build_modalities(dict(rgb={}, depth={}))


def sample():
    return dict(modalities=MODALITIES)


def test_marks_follow_one_another():
    first = CorruptModalities('salt_and_pepper', 0.1)(sample())
    both = CorruptModalities('gaussian', 0.2, ['depth'], seed=5)(first)
    assert both['corruptions'] == (
        Corruption('rgb', 'salt_and_pepper', 0.1),
        Corruption('depth', 'salt_and_pepper', 0.1),
        Corruption('depth', 'gaussian', 0.2, seed=5),
    )


def test_modalities_are_damaged_with_a_probability_and_anew_in_a_training():
    np.random.seed(0)
    corrupt = CorruptModalities('zero', 0.5, prob=0.3, seed=None)
    marks = [corrupt(sample())['corruptions'] for _ in range(1000)]
    assert sum(map(len, marks)) / 2000 == pytest.approx(0.3, abs=0.05)
    seeds = [mark[0].seed for mark in marks if mark]
    assert len({*seeds}) == len(seeds)


def test_with_a_seed_the_same_samples_are_damaged_each_time():
    def damaged(seed):
        corrupt = CorruptModalities('zero', 0.5, prob=0.3, seed=seed)
        samples = [{**sample(), 'img_path': f'{i}.png'} for i in range(99)]
        marks = [corrupt(one)['corruptions'] for one in samples]
        return [[mark.modality for mark in of_sample] for of_sample in marks]

    names = damaged(0)
    assert damaged(0) == names != damaged(1)
    for name in MODALITIES:
        assert sum(name in some for some in names) / 99 == pytest.approx(0.3, abs=0.15)


def test_what_means_nothing_is_refused():
    with pytest.raises(ValueError, match=r"one of .*, got 'copy'"):
        CorruptModalities('copy')
    with pytest.raises(ValueError, match='`amount` must be a share'):
        CorruptModalities('zero', 2.0)
    with pytest.raises(ValueError, match='`seed` must be at least 0, got -1'):
        CorruptModalities('zero', seed=-1)
    with pytest.raises(ValueError, match='`prob` must be in'):
        CorruptModalities('zero', prob=2.0)
    with pytest.raises(ValueError, match=r"\['rgb', 'depth'\], got 'lidar'"):
        CorruptModalities('zero', modalities=['lidar'])(sample())
