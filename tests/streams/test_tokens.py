import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.streams.tokens import TokenScores, allocated_donors, replace_tokens

B, N, C = 2, 10, 8


def tokens(M):
    return torch.randn(B, M, N, C, dtype=torch.double, requires_grad=True)


def one_by_one(x, replaced, present, donors=None):
    """Equation 6, token by token."""
    out = x.clone()
    M = x.shape[1]
    for b, m, n in replaced.nonzero().tolist():
        others = [k for k in range(M) if k != m and present[b, k]]
        if donors is not None and present[b, donors[m, n]]:
            others = [int(donors[m, n])]
        if others:
            out[b, m, n] = sum(x[b, k, n] for k in others) / len(others)
    return out


@pytest.mark.parametrize('M', [2, 3, 4])
@pytest.mark.parametrize('allocated', [False, True])
def test_each_small_token_is_replaced_by_those_of_present_modalities(M, allocated):
    x, replaced = tokens(M), torch.rand(B, M, N) < 0.5
    donors = allocated_donors(N, M) if allocated else None
    everyone = torch.ones(B, M, dtype=torch.bool)
    out = replace_tokens(x, replaced, donors=donors)
    assert_close(out, one_by_one(x, replaced, everyone, donors))
    present = everyone.clone()
    present[0, 1] = False
    present[1, 1:] = False
    out = replace_tokens(x, replaced, present, donors)
    assert_close(out, one_by_one(x, replaced, present, donors))


def test_a_replaced_token_has_no_gradient_and_its_donor_has_two():
    x = tokens(2)
    replaced = torch.zeros(B, 2, N, dtype=torch.bool)
    replaced[:, 0, 3] = True
    replace_tokens(x, replaced).sum().backward()
    assert not x.grad[:, 0, 3].any()
    assert (x.grad[:, 1, 3] == 2).all()
    assert (x.grad[:, :, :3] == 1).all()


def test_two_streams_swap_and_equal_streams_stay():
    x = tokens(2)
    assert torch.equal(replace_tokens(x, torch.ones(B, 2, N).bool()), x.flip(1))
    x = tokens(1).expand(B, 3, N, C)
    assert_close(replace_tokens(x, torch.rand(B, 3, N) < 0.5), x)
    x = tokens(1)
    assert replace_tokens(x, torch.ones(B, 1, N).bool()) is x


@pytest.mark.parametrize('M', [3, 4])
def test_tokens_are_allocated_to_each_other_modality_equally_often(M):
    donors = allocated_donors(60, M)
    for m in range(M):
        counts = torch.bincount(donors[m], minlength=M).tolist()
        assert counts == [0 if k == m else 60 // (M - 1) for k in range(M)]
    assert torch.equal(donors, allocated_donors.__wrapped__(60, M))


def test_scores_are_those_of_a_network_for_each_modality():
    scores = TokenScores(3, C).double()
    for parameter in scores.parameters():
        nn.init.normal_(parameter, std=0.5)
    x = tokens(3)
    expected = []
    for m in range(3):
        norm = nn.LayerNorm(C).double()
        norm.weight, norm.bias = (
            nn.Parameter(p[m]) for p in (scores.norm_weight, scores.norm_bias)
        )
        h = norm(x[:, m])
        for i, layer in enumerate(scores.layers):
            h = nn.functional.gelu(h) if i else h
            h = h @ layer.weight[m] + layer.bias[m]
        expected.append(h.softmax(-1)[..., 0])
    assert_close(scores(x), torch.stack(expected, dim=1))
    with pytest.raises(ValueError, match='at least 4 channels'):
        TokenScores(2, 3)


def test_scores_stay_in_float32_under_mixed_precision():
    scores, x = TokenScores(2, C), torch.randn(B, 2, N, C)
    for parameter in scores.parameters():
        nn.init.normal_(parameter, std=0.5)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(scores(x), scores(x.float()))
        low = scores(x.bfloat16())
    assert low.dtype == torch.float32
    assert torch.equal(low, scores(x.bfloat16().float()))
