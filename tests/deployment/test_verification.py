import pytest
import torch

from mmseg_cen.deployment.formats import write
from mmseg_cen.deployment.network import prepare, reference
from mmseg_cen.deployment.verification import TOLERANCE, check_written

from .conftest import Encoder, segmentor


class Picky(Encoder):
    """Asserts a size, as the U-Net of the toolbox does."""

    def forward(self, x):
        if x.shape[-1] % 32:
            raise AssertionError('must be divisible by 32')
        return super().forward(x)


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


def test_a_model_that_takes_some_sizes_only_cannot_be_compared(build, tmp_path):
    cfg = segmentor(('rgb', 'depth'))
    cfg['backbone']['backbone'] = dict(type=Picky)
    model = build(cfg)
    path = tmp_path / 'file'
    write(prepare(model), path, 'torchscript')
    message = r'divisible by 32\) on images of 129x197 pixels: export it by --no-verify'
    with pytest.raises(ValueError, match=message):
        check_written(reference(model), path, 'torchscript')
