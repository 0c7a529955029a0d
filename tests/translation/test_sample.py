import pytest
import torch
from mmengine.structures import PixelData

from mmseg_cen.translation import TranslationDataSample

FIELDS = ('gt_image', 'gt_valid', 'pred_image', 'pred_streams')


@pytest.mark.parametrize('name', FIELDS)
def test_a_field_is_kept_moved_and_deleted(name):
    sample = TranslationDataSample(metainfo=dict(target='rgb'))
    pixels = PixelData(data=torch.rand(3, 4, 6))
    setattr(sample, name, pixels)
    assert torch.equal(getattr(sample, name).data, pixels.data)
    assert getattr(sample.to('meta'), name).data.device.type == 'meta'
    assert name in sample
    delattr(sample, name)
    assert name not in sample


@pytest.mark.parametrize('name', FIELDS)
def test_a_bare_tensor_is_refused(name):
    with pytest.raises(AssertionError, match='PixelData'):
        setattr(TranslationDataSample(), name, torch.rand(3, 4, 6))
