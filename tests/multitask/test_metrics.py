import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import METRICS


def measured(type, samples):
    metric = METRICS.build(dict(type=type))
    for sample in samples:
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(len(samples))


def test_depth_of_pixels_without_a_target_does_not_count(make_sample):
    sample = make_sample()
    depth = torch.full((1, 32, 40), 3.0)
    depth[:, 0] = 100
    sample.pred_depth_map = PixelData(data=depth)
    found = measured('DepthErrorMetric', [sample])
    assert found['depth/rmse'] == pytest.approx(1)
    assert found['depth/abs_rel'] == pytest.approx(0.5)
    assert found['depth/delta1'] == 0


def test_a_target_is_not_rounded_as_a_prediction_of_half_precision_is(make_sample):
    sample = make_sample()
    sample.gt_depth_map = PixelData(data=torch.full((1, 32, 40), 4.01))
    depth = torch.full((1, 32, 40), 4.0, dtype=torch.bfloat16)
    sample.pred_depth_map = PixelData(data=depth)
    found = measured('DepthErrorMetric', [sample])
    assert found['depth/rmse'] == pytest.approx(0.01, rel=1e-3)


def test_each_stream_is_measured(make_sample):
    sample = make_sample()
    truth = sample.gt_normals.data
    sample.pred_normals = PixelData(data=truth.clone())
    sample.pred_normals_streams = PixelData(rgb=truth, depth=-truth)
    found = measured('NormalsErrorMetric', [sample])
    assert found['normals/mean_angle'] == pytest.approx(0, abs=1e-4)
    assert found['normals/below_11.25'] == 1
    assert found['normals/rgb/mean_angle'] == pytest.approx(0, abs=1e-4)
    assert found['normals/depth/mean_angle'] == pytest.approx(180, abs=1e-4)


def test_missing_targets_and_predictions_are_refused(make_sample):
    sample = make_sample()
    with pytest.raises(ValueError, match='predictions must have `pred_depth_map`'):
        measured('DepthErrorMetric', [sample])
    sample.pred_depth_map = PixelData(data=torch.ones(1, 16, 20))
    with pytest.raises(ValueError, match='must have the size of the prediction'):
        measured('DepthErrorMetric', [sample])
    del sample.gt_depth_map
    with pytest.raises(ValueError, match='samples must have `gt_depth_map`'):
        measured('DepthErrorMetric', [sample])
