import pytest
import torch

from mmseg_cen.deployment.formats import write
from mmseg_cen.deployment.network import prepare, reference
from mmseg_cen.deployment.verification import TOLERANCE, check_written

from .conftest import segmentor


def test_a_file_is_equal_to_its_model_and_to_no_other(build, tmp_path):
    model = build(segmentor(('rgb', 'depth')))
    path = tmp_path / 'file'
    write(prepare(model), path, 'torchscript')
    assert check_written(reference(model), path, 'torchscript') < TOLERANCE
    with torch.no_grad():
        model.backbone[3].weight.mul_(1.1)
    with pytest.raises(ValueError, match='must compute what the model does, got ensem'):
        check_written(reference(model), path, 'torchscript')


def test_a_file_that_does_not_run_for_a_size_is_refused(build, tmp_path):
    model = build(segmentor(('rgb', 'depth')))
    path = tmp_path / 'file'
    write(prepare(model, preprocessing=False), path, 'torchscript')
    with pytest.raises(ValueError, match='for a batch of 1 images of 64x64 pixels'):
        check_written(reference(model), path, 'torchscript')
