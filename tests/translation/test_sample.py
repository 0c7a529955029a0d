import pytest
import torch
from mmengine.structures import PixelData

from mmseg_cen.translation import TranslationDataSample

FIELDS = ('gt_image', 'gt_valid', 'pred_image', 'pred_streams')


@pytest.mark.parametrize('name', FIELDS)
def test_a_field_is_kept_moved_and_deleted_and_no_bare_tensor(name):
    sample = TranslationDataSample(metainfo=dict(target='rgb'))
    pixels = PixelData(data=torch.rand(3, 4, 6))
    setattr(sample, name, pixels)
    assert torch.equal(getattr(sample, name).data, pixels.data)
    assert getattr(sample.to('meta'), name).data.device.type == 'meta'
    assert torch.equal(sample.to_dict()[name]['data'], pixels.data)
    assert sample.keys() == [name]
    delattr(sample, name)
    assert name not in sample
    with pytest.raises(AssertionError, match='PixelData'):
        setattr(sample, name, torch.rand(3, 4, 6))


def test_other_fields_may_hold_anything():
    sample = TranslationDataSample(weight=torch.ones(1), metainfo=dict(target='rgb'))
    assert torch.equal(sample.weight, torch.ones(1))
    assert sample.target == 'rgb'
