import numpy as np
import pytest

from mmseg_cen.preparation import ClassStatistics, PixelStatistics


def test_statistics_of_parts_add_up_and_no_pixel_has_none():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 9, (4, 6, 2))
    valid = rng.random((4, 6)) < 0.5
    whole = PixelStatistics.of(image, valid).summary()
    parts = PixelStatistics.of(image[:1], valid[:1])
    parts += PixelStatistics.of(image[1:], valid[1:])
    assert parts.summary() == whole
    np.testing.assert_allclose(whole['std'], image[valid].std(axis=0))
    nothing = PixelStatistics.of(image, np.zeros((4, 6), bool)).summary()
    assert nothing == dict(min=None, max=None, mean=None, std=None, no_data=1)


def test_weights_of_classes_on_a_case_computed_by_hand():
    first = np.array([[0, 0, 0, 1], [255, 255, 0, 0]])
    second = np.array([[1, 1], [1, 255]])
    total = ClassStatistics.of(first, 3, 255) + ClassStatistics.of(second, 3, 255)
    summary = total.summary()
    assert summary['void'] == pytest.approx(3 / 12)
    np.testing.assert_allclose(summary['frequency'], [5 / 9, 4 / 9, 0])
    # Frequency where they occur: 5 of 6 pixels, and 4 of 9; their median is 23 / 36.
    np.testing.assert_allclose(
        summary['median_frequency_weight'], [23 / 30, 23 / 16, 0]
    )
    np.testing.assert_allclose(
        summary['log_weight'], [1 / np.log(1.02 + 5 / 9), 1 / np.log(1.02 + 4 / 9), 0]
    )


def test_classes_that_cannot_be_learned_are_put_in_words():
    labels = np.zeros((10, 10), int)
    labels[0, 0], labels[9] = 2, 255
    found = ClassStatistics.of(labels, 4, 255)
    never, outnumbers = found.concerns(['wall', 'floor', 'chair', 'lamp'])
    assert '2 of 4 classes do not occur (floor, lamp)' in never
    assert 'wall has 98.9% of the pixels' in outnumbers
    weights = [float(f'{w:.3g}') for w in found.summary()['log_weight']]
    assert f'class_weight={weights}' in outnumbers
    assert found.concerns(['wall', 'floor', 'chair', 'lamp'], weighted=True) == [never]
    assert not ClassStatistics.of(np.array([[0, 1]]), 2, 255).concerns('ab')
    (most,) = ClassStatistics.of(np.array([[0, 0, 0, 0, 1]]), 2, 255).concerns('ab')
    assert 'a has 80.0% of the pixels' in most


def test_classes_whose_number_is_not_known_add_up():
    first, second = np.array([[0, 0, 2, 255]]), np.array([[1, 0]])
    parts = ClassStatistics.of(first, 0, 255) + ClassStatistics.of(second, 0, 255)
    whole = ClassStatistics.of(first, 3, 255) + ClassStatistics.of(second, 3, 255)
    assert parts.summary() == whole.summary()
