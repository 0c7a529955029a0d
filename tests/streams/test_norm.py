import pytest
import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import convert_sync_batchnorm, revert_sync_batchnorm
from mmengine.registry import MODELS
from torch import nn
from torch.testing import assert_close
from torch.utils.checkpoint import checkpoint

from mmseg_cen.models import ModalityBN, ModalityIN, split_streams
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.exchanges import Exchange
from mmseg_cen.streams.norm import ModalityGN

PAIRS = [(ModalityBN, nn.BatchNorm2d), (ModalityIN, nn.InstanceNorm2d)]


@pytest.mark.parametrize(('private_type', 'layer_type'), PAIRS)
@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('M', [1, 3])
def test_a_private_norm_equals_separate_norms(private_type, layer_type, training, M):
    torch.manual_seed(0)
    separate = [layer_type(4, affine=True, track_running_stats=True) for _ in range(M)]
    private = private_type(4, num_modalities=M, track_running_stats=True)
    for norm in separate:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.running_mean)
    for name in ('weight', 'bias', 'running_mean', 'running_var'):
        tensors = [getattr(norm, name).data for norm in separate]
        getattr(private.norm, name).data.copy_(torch.cat(tensors))
    private.train(training)
    x = torch.randn(2 * M, 4, 5, 5, requires_grad=True)
    streams = split_streams(x, M)
    expected = [norm.train(training)(streams[:, m]) for m, norm in enumerate(separate)]
    out = private(x)
    assert_close(split_streams(out, M), torch.stack(expected, dim=1))
    for name in ('running_mean', 'running_var'):
        assert_close(
            getattr(private.norm, name), torch.cat([getattr(n, name) for n in separate])
        )
    grad = torch.randn_like(out)
    grads = torch.autograd.grad(out, [x, private.norm.weight], grad)
    each = torch.autograd.grad(
        torch.stack(expected, dim=1),
        [x, *(norm.weight for norm in separate)],
        split_streams(grad, M),
    )
    assert_close(grads[0], each[0])
    assert_close(grads[1], torch.cat(each[1:]))


@pytest.mark.parametrize(('private_type', 'layer_type'), PAIRS)
def test_a_unimodal_checkpoint_initializes_every_modality(private_type, layer_type):
    unimodal = layer_type(4, affine=True, track_running_stats=True)
    nn.init.normal_(unimodal.weight)
    unimodal.num_batches_tracked.fill_(7)
    private = private_type(4, num_modalities=3, track_running_stats=True)
    private.load_state_dict(unimodal.state_dict())
    assert_close(private.gamma, unimodal.weight.expand(3, 4))
    assert private.norm.num_batches_tracked == 7


def test_its_own_checkpoint_is_loaded_as_it_is():
    norm, other = ModalityBN(4, 2), ModalityBN(4, 2)
    nn.init.normal_(norm.norm.weight)
    other.load_state_dict(norm.state_dict())
    assert torch.equal(other.gamma, norm.gamma)


def test_the_exchange_follows_the_norm():
    norm = ModalityBN(4, 2, exchange_threshold=0.5).eval()
    norm.norm.weight.data = torch.tensor([0.0, 1, 1, 1, 1, 1, 0, 1])
    norm.norm.bias.data = torch.arange(8.0)
    x = torch.randn(2, 4, 3, 3)
    rgb, depth = norm(x)
    assert_close(rgb[0], depth[0])  # rgb gave channel 0 away, and depth channel 2
    assert_close(rgb[2], depth[2])
    assert not torch.allclose(rgb[1], depth[1])


def test_threshold_zero_is_the_plain_norm():
    x = torch.randn(4, 4, 3, 3)
    off, zero = ModalityBN(4, 2), ModalityBN(4, 2, exchange_threshold=0.0)
    assert torch.equal(off(x), zero(x))


def test_sync_bn_conversion_and_reversion_keep_values_and_exchange():
    model = nn.Sequential(ModalityBN(4, 2, exchange_threshold=0.9)).eval()
    nn.init.uniform_(model[0].norm.weight)
    x = torch.randn(4, 4, 3, 3)
    expected = model(x)
    converted = convert_sync_batchnorm(model)
    assert isinstance(converted[0].norm, nn.SyncBatchNorm)
    assert_close(converted.eval()(x), expected)
    reverted = revert_sync_batchnorm(converted)
    assert not isinstance(reverted[0].norm, nn.SyncBatchNorm)
    assert_close(reverted.eval()(x), expected)


def test_mmcv_names_it_like_the_norm_of_unimodal_checkpoints():
    name, norm = build_norm_layer(
        dict(type='ModalityBN', num_modalities=2), 8, postfix=1
    )
    assert name == 'bn1'
    assert norm.gamma.shape == (2, 8)


def test_features_of_another_number_of_modalities_are_refused():
    with pytest.raises(ValueError, match=r'\(B\*2, 4, H, W\), got \(3, 4, 5, 5\)'):
        ModalityBN(4, 2)(torch.zeros(3, 4, 5, 5))


def test_regions_on_the_batch_axis_are_told_apart():
    """(B*M*R, C, ...): each region is normalized with its own stream."""
    M, R = 3, 4
    norm = ModalityBN(5, M).train()
    nn.init.normal_(norm.norm.weight)
    x = torch.randn(2 * M * R, 5, 3, 3)
    streams = x.unflatten(0, (2, M, R))
    expected = [
        nn.functional.batch_norm(
            streams[:, m].flatten(0, 1), None, None, norm.gamma[m], training=True
        )
        for m in range(M)
    ]
    norm.has_regions = True
    with streams_on_batch(norm, 2 * M):
        out = norm(x).unflatten(0, (2, M, R))
    for m in range(M):
        assert_close(out[:, m].flatten(0, 1), expected[m])
    assert norm.num_streams is None


@pytest.mark.parametrize('use_reentrant', [False, True])
def test_regions_are_told_apart_where_activations_are_computed_again(use_reentrant):
    """In the backward pass, when nobody says how many streams there are."""
    M, R = 2, 2
    norm = ModalityBN(4, M).double().train()
    nn.init.normal_(norm.norm.weight)
    norm.has_regions = True
    kept = torch.randn(2 * M * R, 4, 3, 3, dtype=torch.double, requires_grad=True)
    again = kept.detach().clone().requires_grad_()
    with streams_on_batch(norm, 2 * M):
        outputs = norm(kept), checkpoint(norm, again, use_reentrant=use_reentrant)
    for out in outputs:
        out.pow(3).sum().backward()
    assert_close(again.grad, kept.grad)


def test_a_norm_over_regions_knows_what_is_absent():
    """Regions lie on the batch axis within each stream."""
    torch.manual_seed(0)
    norm = ModalityBN(4, 2, exchange_threshold=10.0, exchange_scope='all').eval()
    norm.has_regions = True
    present = torch.tensor([[True, False], [True, True]])
    x = torch.randn(2, 2, 3, 4, 5, 5)  # B, M, R, C, H, W
    with streams_on_batch(norm, 4, present):
        out = norm(x.flatten(0, 2)).unflatten(0, (2, 2, 3))

    def normalized(b):  # (R, M*C, H, W)
        return norm.norm(x[b].transpose(0, 1).flatten(1, 2))

    assert_close(out[0, 0], normalized(0)[:, :4])
    assert_close(out[1, 0], normalized(1)[:, 4:])
    assert_close(out[1, 1], normalized(1)[:, :4])


def test_group_norms_are_registered_too():
    _, norm = build_norm_layer(
        dict(type='ModalityGN', num_modalities=2, num_groups=2), 8
    )
    assert norm.norm.num_groups == 4


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@pytest.mark.filterwarnings('ignore:.torch.jit.trace:DeprecationWarning')
@pytest.mark.parametrize('scope', ['own', 'all'])
@pytest.mark.parametrize('private_type', [ModalityBN, ModalityIN, ModalityGN])
def test_a_traced_norm_is_the_norm_for_every_batch(private_type, scope):
    norm = private_type(8, 3, exchange_threshold=0.5, exchange_scope=scope).eval()
    nn.init.normal_(norm.norm.weight)
    traced = torch.jit.trace(norm, torch.randn(3, 8, 5, 5))  # compares two traces
    x = torch.randn(6, 8, 7, 4)
    assert_close(traced(x), norm(x))


@pytest.mark.parametrize('threshold', [None, 0.5])
@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
@pytest.mark.parametrize('private_type', [ModalityBN, ModalityIN, ModalityGN])
def test_changes_in_place_cost_no_copies(private_type, memory_format, threshold):
    torch.manual_seed(0)
    norm = private_type(4, num_modalities=2, exchange_threshold=threshold)
    nn.init.uniform_(norm.norm.weight)
    x = torch.randn(4, 4, 5, 5).to(memory_format=memory_format).requires_grad_()
    grad = torch.randn_like(x)
    expected = torch.autograd.grad(norm(x).relu(), [x, norm.norm.weight], grad)
    out = norm(x)
    assert not out._is_view()
    found = torch.autograd.grad(out.relu_(), [x, norm.norm.weight], grad)
    assert_close(found, expected, rtol=0, atol=0)


@MODELS.register_module()
class SquashingExchange(Exchange):
    """Its gradient is computed from its output."""

    def forward(self, x, gamma, present=None):
        return x.tanh()


def test_a_change_in_place_that_spoils_the_gradient_is_refused():
    norm = ModalityBN(4, num_modalities=2, exchange=dict(type='SquashingExchange'))
    out = norm(torch.randn(4, 4, 5, 5)).relu_()
    with pytest.raises(RuntimeError, match='modified by an inplace operation'):
        out.sum().backward()
