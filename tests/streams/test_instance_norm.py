"""Instance norms with some components private to each modality (Table 9)."""

import pytest
import torch
from torch.testing import assert_close

from mmseg_cen.models import ModalityIN
from mmseg_cen.streams.instance_norm import build_instance_norm, check_norm_sharing

PRIVATE = {
    'private': {'weight', 'bias', 'running_mean', 'running_var'},
    'private_affine': {'weight', 'bias'},
    'private_statistics': {'running_mean', 'running_var'},
    'shared': set(),
}
C, M = 4, 3


def by_definition(x, state, m, training):
    """The instance norm of one stream, (B, C, H, W)."""
    weight, bias, mean, var = (
        state[name].view(-1, C)[m % (len(state[name]) // C), :, None, None]
        for name in ('weight', 'bias', 'running_mean', 'running_var')
    )
    if training:
        mean = x.mean((2, 3), keepdim=True)
        var = x.var((2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('sharing', PRIVATE)
def test_each_stream_is_normalized_by_its_components(sharing, training):
    norm = build_instance_norm(C, M, sharing).double().train(training)
    state = {}
    for name, tensor in norm.state_dict().items():
        if tensor.ndim:
            state[name.split('.')[-1]] = tensor.uniform_(0.5, 2).clone()
    assert {n: len(t) for n, t in state.items()} == {
        n: C * M if n in PRIVATE[sharing] else C for n in PRIVATE['private']
    }
    x = torch.randn(2 * M, C, 5, 6, dtype=torch.double)
    out = norm(x)
    for m in range(M):
        assert_close(out[m::M], by_definition(x[m::M], state, m, training))


@pytest.mark.parametrize('sharing', PRIVATE)
def test_running_statistics_are_optional(sharing):
    norm = build_instance_norm(C, M, sharing, track_running_stats=False)
    assert not [name for name in norm.state_dict() if 'running' in name]
    x = torch.randn(2 * M, C, 5, 6)
    assert_close(norm.eval()(x), norm.train()(x))


def test_one_modality_has_a_plain_norm():
    assert type(build_instance_norm(C, 1)) is torch.nn.InstanceNorm2d


@pytest.mark.parametrize('sharing', PRIVATE)
def test_norms_with_private_scaling_factors_can_exchange(sharing):
    private = 'weight' in PRIVATE[sharing]
    assert isinstance(build_instance_norm(C, 2, sharing), ModalityIN) == private


def test_exchanging_norms_with_shared_statistics_exchange():
    norm = build_instance_norm(C, 2, 'private_affine')
    norm.exchange_threshold = 0.5
    torch.nn.init.zeros_(norm.norm.weight)
    norm.norm.bias.data = torch.arange(8.0)
    out = norm(torch.randn(2, C, 3, 3))[:, :, 0, 0]
    assert out.tolist() == [[4, 5, 2, 3], [4, 5, 2, 3]]  # own parts swapped


def test_an_unknown_sharing_is_refused():
    with pytest.raises(ValueError, match=r"`norms` must be one of .* got 'halved'"):
        check_norm_sharing(convs='shared', norms='halved')
