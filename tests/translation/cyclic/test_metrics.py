import numpy as np
import pytest
import torch
from mmseg.registry import METRICS

from mmseg_cen.translation.cyclic.visualization import draw_directions


def test_every_direction_is_measured_and_drawn(build, inputs, samples):
    with torch.no_grad():
        predicted = build().eval()(inputs, samples, mode='predict')
    metric = METRICS.build(
        dict(type='CyclicTranslationMetric', measures=('MAE', 'RMSE'))
    )
    metric.process({}, [sample.to_dict() for sample in predicted])
    found = metric.evaluate(2)
    errors = [
        (sample.pred_images.depth - inputs[b, 3:4]).abs().mean()
        for b, sample in enumerate(predicted)
    ]
    assert found['depth/MAE'] == pytest.approx(float(torch.stack(errors).mean()))
    mean = np.mean([found[f'{name}/MAE'] for name in ('rgb', 'depth', 'normal')])
    assert found['MAE'] == pytest.approx(mean)
    assert {'rgb/depth/MAE', 'normal/rgb/RMSE'} <= {*found}
    assert 'rgb/rgb/MAE' not in found

    shown = np.concatenate([inputs[0, :3], inputs[0, 3:4], inputs[0, 6:]])
    picture = draw_directions(shown, predicted[0])
    assert picture.dtype == np.uint8
    assert picture.shape[0] > 3 * 256


def test_values_of_several_units_have_no_mean():
    with pytest.raises(ValueError, match='must be numbers'):
        METRICS.build(dict(type='CyclicTranslationMetric', value_range='physical'))
