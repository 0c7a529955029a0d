"""Laws of the targets of a batch."""

import pytest
import torch
from mmengine.structures import PixelData

from mmseg_cen.translation import TranslationDataSample
from mmseg_cen.translation.targets import hide_invalid, stack_targets

STREAMS = torch.zeros(2, 3, 1, 4, 5)  # of three sources


def samples(valid=(None, None), shape=(1, 4, 5)):
    made = []
    for mask in valid:
        sample = TranslationDataSample(gt_image=PixelData(data=torch.rand(shape)))
        if mask is not None:
            sample.gt_valid = PixelData(data=mask)
        made.append(sample)
    return made


def test_targets_that_are_known_everywhere_have_no_mask():
    batch = samples()
    target, valid = stack_targets(batch, STREAMS)
    assert torch.equal(target, torch.stack([s.gt_image.data for s in batch]))
    assert valid is None


def test_a_target_is_zero_where_it_is_unknown_and_known_where_nothing_is_said():
    mask = torch.rand(1, 4, 5) < 0.5
    batch = samples(valid=(None, mask))
    batch[1].gt_image.data[~mask] = torch.nan
    target, valid = stack_targets(batch, STREAMS)
    assert torch.equal(valid, torch.stack([torch.ones_like(mask), mask]))
    assert torch.equal(target[0], batch[0].gt_image.data)
    assert torch.equal(target[1], batch[1].gt_image.data.nan_to_num(0))


def test_masks_hide_pixels_of_every_stream():
    images, valid = torch.rand(2, 3, 4, 5, 6), torch.rand(2, 1, 5, 6) < 0.5
    hidden = hide_invalid(images, valid)
    for b in range(2):
        assert not hidden[b, ..., ~valid[b, 0]].any()
        assert torch.equal(hidden[b, ..., valid[b, 0]], images[b, ..., valid[b, 0]])
    assert hide_invalid(images, None) is images


@pytest.mark.parametrize('shape', [(3, 4, 5), (1, 5, 4)])
def test_targets_of_other_channels_or_sizes_are_refused(shape):
    with pytest.raises(
        ValueError, match=r'must have a target `gt_image` of shape \(1,'
    ):
        stack_targets(samples(shape=shape), STREAMS)


def test_each_input_needs_a_target():
    with pytest.raises(ValueError, match='each of the 2 inputs'):
        stack_targets(samples()[:1], STREAMS)
    batch = samples()
    del batch[1].gt_image
    with pytest.raises(ValueError, match='to train with, got 1 of 2 without'):
        stack_targets(batch, STREAMS)
