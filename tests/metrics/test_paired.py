import numpy as np
import pytest

from mmseg_cen.metrics import PerImage, difference, iou, mean_over_classes, stacked

EVERY = np.ones(4, bool)


def areas(*files):
    return stacked([(str(i), file) for i, file in enumerate(files)], 'ensemble')


def miou(areas, counted=EVERY):
    """By definition, from areas (3, K)."""
    both, predicted, true = areas
    ious = [
        both[k] / (predicted[k] + true[k] - both[k])
        for k in range(4)
        if counted[k] and predicted[k] + true[k]
    ]
    return 100 * np.mean(ious)


def test_a_class_that_does_not_occur_has_no_iou(measured):
    values = iou(measured(0.5, 0).areas['ensemble'].sum(0))
    assert np.isnan(values).tolist() == [False, False, False, True]
    assert mean_over_classes(values, EVERY) == pytest.approx(np.nanmean(values))
    assert np.isnan(mean_over_classes(values, ~EVERY))


def test_the_interval_is_that_of_images_drawn_one_by_one(measured):
    first = areas(measured(0.5, 1, 12), measured(0.5, 2, 12))
    second = areas(measured(0.6, 3, 12))
    counted = np.array([True, True, False, True])
    found = difference(first, second, counted, resamples=200, seed=7, level=0.9)
    draws = np.random.default_rng(7).integers(0, 12, (200, 12))
    for interval, which in ((found.mean, EVERY), (found.counted, counted)):

        def of_images(drawn, which=which):
            values = [
                np.mean([miou(run[drawn].sum(0), which) for run in runs])
                for runs in (first, second)
            ]
            return values[1] - values[0]

        drawn = [of_images(row) for row in draws]
        assert interval.value == pytest.approx(of_images(range(12)))
        low, high = np.quantile(drawn, [0.05, 0.95])
        assert (interval.low, interval.high) == pytest.approx((low, high))
        assert interval.above == np.mean(np.array(drawn) > 0)
    assert np.isnan(found.classes[3].value)
    assert np.isnan(found.classes[3].low)


def test_a_system_does_not_differ_from_itself(measured):
    same = areas(measured(0.5, 1))
    found = difference(same, same, EVERY, resamples=50)
    assert (found.mean.value, found.mean.low, found.mean.high) == (0, 0, 0)
    assert not found.mean.is_clear


def test_a_clear_difference_is_told_from_chance(measured):
    base, other, better = (areas(measured(p, s)) for s, p in enumerate((0.5, 0.5, 0.7)))
    assert not difference(base, other, EVERY, resamples=500).mean.is_clear
    found = difference(base, better, EVERY, resamples=500)
    assert found.mean.is_clear
    assert found.mean.above == 1
    assert not found.classes[3].is_clear


def test_what_one_image_decides_has_no_interval_and_is_not_clear(measured):
    alone = [areas(measured(p, 1, 1)) for p in (0.1, 0.9)]
    found = difference(*alone, EVERY, resamples=50)
    assert found.mean.value > 0
    assert np.isnan([found.mean.low, found.mean.high, found.mean.above]).all()
    assert not found.mean.is_clear
    first, second = (areas(measured(p, 1)) for p in (0.1, 0.9))
    first[:, 1:, :, 2] = second[:, 1:, :, 2] = 0  # of that class, one image is left
    counted = np.array([False, False, True, True])
    found = difference(first, second, counted, resamples=50)
    assert found.mean.is_clear
    assert found.classes[1].is_clear
    for interval in (found.classes[2], found.counted):
        assert interval.value > 0
        assert np.isnan(interval.low)
        assert not interval.is_clear


def test_draws_are_the_same_however_many_are_computed_at_a_time(measured, monkeypatch):
    runs = areas(measured(0.5, 1)), areas(measured(0.6, 2))
    whole = difference(*runs, EVERY, resamples=50)
    monkeypatch.setattr('mmseg_cen.metrics.paired._CHUNK', 7)
    assert difference(*runs, EVERY, resamples=50).mean == whole.mean


def test_images_are_paired_by_their_names(measured):
    first = measured(0.5, 1)
    order = np.random.default_rng(0).permutation(30)
    mixed = PerImage(
        tuple(first.images[i] for i in order),
        first.classes,
        {'ensemble': first.areas['ensemble'][order]},
        {},
    )
    both = areas(first, mixed)
    assert np.array_equal(both[0], both[1])


def test_runs_of_other_images_labels_classes_or_outputs_are_refused(measured):
    first = measured(0.5, 1)
    labels = np.random.default_rng(5).integers(0, 3, (30, 200))
    other = {
        'same images': measured(0.5, 1, num_images=29),
        'same labels': measured(0.5, 1, labels=labels),
        'same classes': PerImage(first.images, tuple('abcd'), first.areas, {}),
        "one of .'rgb'.": measured(0.5, 1, outputs=('rgb',)),
    }
    for words, run in other.items():
        with pytest.raises(ValueError, match=words):
            areas(first, run)


def test_images_that_lack_a_modality_do_not_count(measured):
    run = measured(0.5, 1, outputs=('depth', 'ensemble'))
    run.areas['depth'][:10] = 0
    (depth,) = stacked([('a', run)], 'depth')
    assert np.array_equal(depth.sum(0), run.areas['depth'][10:].sum(0))


@pytest.mark.parametrize('options', [dict(resamples=0), dict(level=1.0)])
def test_no_draws_and_levels_that_are_no_shares_are_refused(measured, options):
    same = areas(measured(0.5, 1))
    with pytest.raises(ValueError, match='`resamples` must be at least 1'):
        difference(same, same, EVERY, **options)
