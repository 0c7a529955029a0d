import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric
from reporting.predictions import (
    BINS,
    CACHE,
    Predictions,
    confidence_bins,
    confusion_of,
    mean_iou,
    read_predictions,
    write_predictions,
)

CLASSES = ('wall', 'floor', 'lamp', 'sofa')


@pytest.fixture
def predictions():
    draws = np.random.default_rng(0)
    true, predicted = draws.integers(0, 3, (2, 400))
    confidence = draws.random(400) * 0.5 + 0.5
    return Predictions(
        dict(outputs=['ensemble'], classes=CLASSES, metric='mIoU', samples=1, of=1),
        ['a'],
        np.array([33.0]),
        confusion_of(predicted, true, 4)[None],
        confidence_bins(confidence, predicted == true)[None],
        [('best', 0, b'picture')],
    )


def test_iou_is_that_of_the_toolbox():
    draws = np.random.default_rng(1)
    true, predicted = draws.integers(0, 3, (2, 50))
    both, union, *_ = IoUMetric.intersect_and_union(
        torch.tensor(predicted), torch.tensor(true), 4, 255
    )
    confusion = confusion_of(predicted, true, 4)
    found = Predictions(
        dict(outputs=['ensemble']), [], np.zeros(0), confusion[None], np.zeros(0)
    ).iou('ensemble')
    np.testing.assert_allclose(found, 100 * (both / union).numpy(), rtol=1e-5)
    assert np.isnan(found[3])
    assert mean_iou(confusion) == pytest.approx(np.nanmean(found))
    assert np.isnan(mean_iou(0 * confusion))


def test_probabilities_that_are_right_have_no_calibration_error(predictions):
    confidence = np.repeat((np.arange(BINS) + 0.5) / BINS, 300)
    rank = np.tile(np.arange(300), BINS)
    right = rank < np.round(confidence * 300)
    predictions.calibration = confidence_bins(confidence, right)[None]
    sure, accuracy, ece = predictions.reliability('ensemble')
    np.testing.assert_allclose(sure, accuracy, atol=1e-6)
    assert ece == pytest.approx(0, abs=1e-6)
    predictions.calibration = confidence_bins(np.full(10, 0.9), np.arange(10) < 5)[None]
    assert predictions.reliability('ensemble')[2] == pytest.approx(40)


def test_predictions_are_kept_and_another_file_is_not_taken_for_them(
    predictions, tmp_path
):
    assert read_predictions(tmp_path) is None
    write_predictions(tmp_path, predictions)
    kept = read_predictions(tmp_path)
    assert kept.images == predictions.images
    assert (kept.confusion == predictions.confusion).all()
    assert kept.panels == predictions.panels
    content = (tmp_path / CACHE).read_bytes()
    for broken in (content[:100], b'', b'text'):
        (tmp_path / CACHE).write_bytes(broken)
        assert read_predictions(tmp_path) is None
