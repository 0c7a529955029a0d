"""Laws of the names and pictures of predictions."""

import pytest
import torch

from mmseg_cen.translation.outputs import (
    check_shape,
    named_outputs,
    target_and_validity,
    to_three_channels,
    to_uint8,
)


def test_streams_come_in_the_order_of_the_sources_and_the_ensemble_last(
    make_samples, predictions
):
    (sample,) = make_samples(1, sources=dict(texture=1, depth=1, shade=1))
    outputs = named_outputs(sample.to_dict())
    assert list(outputs) == ['texture', 'depth', 'shade', 'ensemble']
    expected = predictions(sample)
    assert all(torch.equal(image, expected[name]) for name, image in outputs.items())


def test_a_model_without_streams_has_one_output(make_samples):
    (sample,) = make_samples(1)
    del sample.pred_streams
    assert list(named_outputs(sample.to_dict())) == ['ensemble']


def test_a_sample_without_prediction_is_refused(make_samples):
    (sample,) = make_samples(1)
    del sample.pred_image
    with pytest.raises(ValueError, match='must have `pred_image`'):
        named_outputs(sample.to_dict())


def test_a_target_without_mask_is_valid_everywhere(make_samples):
    whole, holed = make_samples(1)[0], make_samples(1, invalid=0.5)[0]
    target, valid = target_and_validity(whole.to_dict())
    assert torch.equal(target, whole.gt_image.data)
    assert valid.shape == (1, 24, 20)
    assert valid.all()
    _, valid = target_and_validity(holed.to_dict())
    assert torch.equal(valid, holed.gt_valid.data)


def test_a_sample_without_target_cannot_be_measured(make_samples):
    (sample,) = make_samples(1)
    del sample.gt_image
    with pytest.raises(ValueError, match=r'to be measured, got none of a/0\.png'):
        target_and_validity(sample.to_dict())


def test_outputs_of_another_shape_are_refused():
    check_shape('x', torch.zeros(1, 2, 2), torch.ones(1, 2, 2))
    with pytest.raises(ValueError, match=r"'x' must .* \(1, 2, 3\), got \(1, 2, 2\)"):
        check_shape('x', torch.zeros(1, 2, 2), torch.zeros(1, 2, 3))


def test_levels_are_rounded_and_clipped():
    image = torch.tensor([-7.0, -1.0, 0.0, 0.998, 1.0, 7.0]).view(1, 1, -1)
    assert to_uint8(image).flatten().tolist() == [0, 0, 128, 255, 255, 255]


def test_any_image_has_three_channels():
    image = torch.rand(3, 2, 2)
    assert torch.equal(to_three_channels(image), image)
    assert torch.equal(to_three_channels(image[:1]), image[[0, 0, 0]])
    for two, lowest in ((image[:2], -1), (to_uint8(image[:2]), 0)):
        shown = to_three_channels(two)
        assert torch.equal(shown[:2], two)
        assert (shown[2] == lowest).all()
    with pytest.raises(ValueError, match=r'1 to 3 channels .* got 4'):
        to_three_channels(torch.zeros(4, 2, 2))
