import pytest
import torch

from mmseg_cen.modes import require_device


@pytest.mark.parametrize('name', ['tpu', 'cuda:99', 'no such', 'hpu'])
def test_a_device_that_this_computer_has_not_is_refused(name):
    with pytest.raises(ValueError, match=f'`--device` must be .* got {name!r}: '):
        require_device(name, '--device')


def test_a_device_is_found_by_its_name():
    assert require_device('cpu') == torch.device('cpu')
