import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.streams import channels_last
from mmseg_cen.streams.norm import ModalityBN


def in_channels_last(x):
    return x.contiguous(memory_format=torch.channels_last)


def norm_of(M, C=5, **kwargs):
    norm = ModalityBN(C, M, exchange_threshold=0.5, **kwargs).double()
    for tensor in norm.norm.parameters():
        nn.init.normal_(tensor)
    if norm.norm.running_mean is not None:
        norm.norm.running_mean.normal_()
        norm.norm.running_var.uniform_(0.5, 2)
    return norm


def run(norm, x, grad):
    out = norm(x)
    return out, torch.autograd.grad(out, [x, *norm.parameters()], grad)


@pytest.fixture
def by_image(monkeypatch):
    """Shapes that were normalized image by image."""
    shapes, original = [], channels_last._affine

    def affine(x, *args):
        shapes.append(x.shape)
        return original(x, *args)

    monkeypatch.setattr(channels_last, '_affine', affine)
    return shapes


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('B', [1, 3])
@pytest.mark.parametrize('M', [2, 3, 5])
@pytest.mark.parametrize(
    'kwargs',
    [{}, {'momentum': None}, {'affine': False}, {'track_running_stats': False}],
    ids=str,
)
def test_values_gradients_and_statistics_do_not_depend_on_the_memory_format(
    kwargs, M, B, training, by_image
):
    if kwargs.get('affine') is False:
        norm = ModalityBN(5, M, affine=False).double()
    else:
        norm = norm_of(M, **kwargs)
    norm.train(training)
    other = copy.deepcopy(norm)
    x = torch.randn(B * M, 5, 4, 3, dtype=torch.float64)
    grad = torch.randn_like(x)
    for _ in range(2):
        wanted, gradients = run(norm, x.clone().requires_grad_(), grad)
        assert not by_image
        last = in_channels_last(x).requires_grad_()
        given, others = run(other, last, in_channels_last(grad))
        assert by_image
        by_image.clear()
        assert given.is_contiguous(memory_format=torch.channels_last)
        assert_close(given, wanted, check_stride=False)
        assert_close(others, gradients, check_stride=False)
        assert_close(other.state_dict(), norm.state_dict())


def test_bfloat16_keeps_statistics_in_float32(by_image):
    norm = norm_of(2).float()
    x = in_channels_last(torch.randn(6, 5, 16, 16) + 3)
    other = copy.deepcopy(norm)
    out = norm(x)
    low = other(x.bfloat16())
    assert by_image
    assert low.dtype == torch.bfloat16
    assert_close(low.float(), out, rtol=0.02, atol=0.1)
    assert_close(other.state_dict(), norm.state_dict(), rtol=1e-2, atol=1e-2)
    assert other.norm.running_mean.dtype == torch.float32


def test_layers_of_several_processes_and_of_one_image_are_packed(by_image):
    x = in_channels_last(torch.randn(4, 5, 3, 3, dtype=torch.float64))
    norm = norm_of(2)
    norm.norm = nn.SyncBatchNorm.convert_sync_batchnorm(norm.norm)
    norm.eval()(x)
    assert not by_image


def test_layers_of_other_devices_are_packed():
    """There, the operators use tensors that a CPU leaves alone."""
    norm = norm_of(2).norm
    x = in_channels_last(torch.randn(4, 5, 3, 3, dtype=torch.float64))
    assert channels_last.is_normalized_by_image(x, norm)
    elsewhere = torch.empty_like(x, device='meta')
    assert elsewhere.is_contiguous(memory_format=torch.channels_last)
    assert not channels_last.is_normalized_by_image(elsewhere, norm)


@pytest.mark.gpu
@pytest.mark.parametrize('training', [True, False])
def test_on_a_gpu_nothing_depends_on_the_memory_format(training):
    norm = norm_of(2).cuda().train(training)
    other = copy.deepcopy(norm)
    x, grad = torch.randn(2, 6, 5, 4, 3, dtype=torch.float64, device='cuda')
    wanted, gradients = run(norm, x.clone().requires_grad_(), grad)
    last = in_channels_last(x).requires_grad_()
    given, others = run(other, last, in_channels_last(grad))
    assert_close(given, wanted, check_stride=False)
    assert_close(others, gradients, check_stride=False)
    assert_close(other.state_dict(), norm.state_dict())


def test_one_value_for_each_channel_has_no_statistics():
    x = torch.randn(2, 5, 1, 2, dtype=torch.float64)
    norm = norm_of(2)
    with pytest.raises(ValueError, match='more than 1 value per channel'):
        channels_last.batch_norm_by_image(in_channels_last(x[..., :1]), norm.norm, 2)


def test_the_next_layer_may_change_the_output_in_place():
    x = in_channels_last(torch.randn(4, 5, 3, 3, dtype=torch.float64)).requires_grad_()
    torch.relu_(norm_of(2)(x)).sum().backward()
    assert x.grad.isfinite().all()
