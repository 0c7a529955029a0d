"""Each fusion module against its formula, written down layer by layer."""

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import nn
from torch.testing import assert_close

from mmseg_cen.fusion import (
    ACMFusion,
    AverageFusion,
    CBNFusion,
    CMXFusion,
    ConcatFusion,
    MMFFusion,
    SAGateFusion,
    SSMAFusion,
)

C = 16
BOTH_SETTINGS = pytest.mark.parametrize('merges', [True, False])
ANY_M = pytest.mark.parametrize('M', [2, 3])
MERGING = ['Concat', 'Average', 'SSMA', 'MMF', 'ACM', 'SAGate', 'CMX']


def build(fusion_type, M=2, merges=False, **kwargs):
    fusion = fusion_type(C, num_modalities=M, merges=merges, **kwargs).double()
    for p in fusion.parameters():
        nn.init.normal_(p, std=0.3)
    return fusion


def streams(M, size=6):
    return torch.randn(2, M, C, size, size - 1, dtype=torch.double)


def orders(M):
    """For each stream, the streams in the order in which it sees them."""
    return [[(m + k) % M for k in range(M)] for m in range(M)]


def side_by_side(x, order):
    return torch.cat([x[:, n] for n in order], dim=1)


def weights(fusion, prefix=''):
    return {
        name.removeprefix(prefix): p
        for name, p in fusion.state_dict().items()
        if name.startswith(prefix)
    }


def batch_norm(x, weight, bias):
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    var = (x - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    x = (x - mean) / (var + 1e-5).sqrt()
    return x * weight[:, None, None] + bias[:, None, None]


def gap(x):
    return x.sum(dim=(-2, -1)) / (x.shape[-2] * x.shape[-1])


@ANY_M
@BOTH_SETTINGS
def test_concat(M, merges):
    fusion, x = build(ConcatFusion, M, merges), streams(M)
    w, b = fusion.block.weight[..., 0, 0], fusion.block.bias
    out = fusion(x)

    def expected(order):
        parts = [
            torch.einsum('oc,bchw->bohw', w[:, k * C : k * C + C], x[:, n])
            for k, n in enumerate(order)
        ]
        return sum(parts) + b[:, None, None]

    if merges:
        assert_close(out.merged, expected(range(M)))
        assert torch.equal(out.streams, x)
    else:
        assert out.merged is None
        for m, order in enumerate(orders(M)):
            assert_close(out.streams[:, m], expected(order))


@ANY_M
def test_average(M):
    x = streams(M)
    mean = sum(x[:, m] for m in range(M)) / M
    assert_close(build(AverageFusion, M, merges=True)(x).merged, mean)
    kept = build(AverageFusion, M)(x).streams
    for m in range(M):
        assert_close(kept[:, m], mean)


@ANY_M
@BOTH_SETTINGS
def test_ssma(M, merges):
    fusion, x = build(SSMAFusion, M, merges, reduction=4), streams(M)
    w = weights(fusion, 'block.')

    def raw(order):
        z = side_by_side(x, order)
        s = F.conv2d(z, w['gate.0.weight'], w['gate.0.bias'], padding=1)
        assert s.shape[1] == C // 4
        s = F.conv2d(s.clamp(min=0), w['gate.2.weight'], w['gate.2.bias'], padding=1)
        return F.conv2d(z / (1 + (-s).exp()), w['conv.weight'], padding=1)

    out = fusion(x)
    if merges:
        expected = batch_norm(raw(range(M)), w['norm.weight'], w['norm.bias'])
        assert_close(out.merged, expected)
        return
    for m, order in enumerate(orders(M)):  # norms are private
        gamma = w['norm.norm.weight'].view(M, C)[m]
        beta = w['norm.norm.bias'].view(M, C)[m]
        assert_close(out.streams[:, m], batch_norm(raw(order), gamma, beta))


def test_ssma_without_norm_has_a_bias_instead():
    fusion, x = build(SSMAFusion, merges=True, norm=False), streams(2)
    w = weights(fusion, 'block.')
    z = side_by_side(x, [0, 1])
    s = torch.sigmoid(fusion.block.gate(z))
    expected = F.conv2d(z * s, w['conv.weight'], w['conv.bias'], padding=1)
    assert_close(fusion(x).merged, expected)


@ANY_M
@pytest.mark.parametrize('modulated', [0, 1])
def test_cbn(M, modulated):
    fusion = build(CBNFusion, M, modulated=modulated, hidden_channels=5)
    x, w = streams(M), weights(fusion)
    condition = torch.cat([gap(x[:, m]) for m in range(M) if m != modulated], dim=1)

    def delta(name):
        hidden = condition @ w[f'{name}.0.weight'].T + w[f'{name}.0.bias']
        return hidden.clamp(min=0) @ w[f'{name}.2.weight'].T + w[f'{name}.2.bias']

    own = x[:, modulated]
    plain = batch_norm(own, torch.ones(C), torch.zeros(C))
    gamma = w['gamma'] + delta('delta_gamma')
    beta = w['beta'] + delta('delta_beta')
    expected = gamma[:, :, None, None] * plain + beta[:, :, None, None]
    out = fusion(x).streams
    assert_close(out[:, modulated], expected)
    for m in set(range(M)) - {modulated}:
        assert torch.equal(out[:, m], x[:, m])


def test_cbn_starts_as_a_plain_norm():
    fusion = CBNFusion(C)
    x = streams(2).float()
    expected = F.batch_norm(x[:, 0], None, None, training=True)
    assert_close(fusion(x).streams[:, 0], expected)
    nn.init.normal_(fusion.delta_beta[-1].weight)
    fusion.init_weights()
    assert_close(fusion(x).streams[:, 0], expected)


@ANY_M
@BOTH_SETTINGS
def test_mmf_of_rdfnet(M, merges):
    fusion, x = build(MMFFusion, M, merges), streams(M)
    w = weights(fusion)

    def rcu(f, prefix, m):
        out = F.conv2d(
            f.clamp(min=0),
            w[f'{prefix}.conv1.conv.{m}.weight'],
            w[f'{prefix}.conv1.conv.{m}.bias'],
            padding=1,
        )
        last = w[f'{prefix}.conv2.conv.{m}.weight']
        return f + F.conv2d(out.clamp(min=0), last, padding=1)

    u = 0
    for m in range(M):
        f = F.conv2d(x[:, m], w[f'branches.0.{m}.weight'])
        assert f.shape[1] == C // 2
        f = rcu(rcu(f, 'branches.1', m), 'branches.2', m)
        u = u + F.conv2d(f, w[f'branches.3.{m}.weight'], padding=1)
    u = u.clamp(min=0)
    pooled = F.pad(u, (2, 2, 2, 2), value=-torch.inf).unfold(2, 5, 1).unfold(3, 5, 1)
    expected = u + F.conv2d(pooled.amax(dim=(-2, -1)), w['conv.weight'], padding=1)
    out = fusion(x)
    if merges:
        assert_close(out.merged, expected)
        assert torch.equal(out.streams, x)
    else:
        for m in range(M):
            assert_close(out.streams[:, m], x[:, m] + expected)


def test_mmf_has_a_bias_in_the_first_convolution_of_a_unit_only():
    biases = [name for name, _ in MMFFusion(C).named_parameters() if 'bias' in name]
    assert len(biases) == 4
    assert all('conv1' in name for name in biases)


@ANY_M
@BOTH_SETTINGS
def test_acm_of_acnet(M, merges):
    fusion, x = build(ACMFusion, M, merges), streams(M)
    expected = 0
    for m in range(M):
        layer = fusion.attention[m]
        logits = gap(x[:, m]) @ layer.weight[..., 0, 0].T + layer.bias
        expected = expected + x[:, m] / (1 + (-logits).exp())[:, :, None, None]
    out = fusion(x)
    if merges:
        assert_close(out.merged, expected)
    else:
        for m in range(M):
            assert_close(out.streams[:, m], x[:, m] + expected)


@ANY_M
@BOTH_SETTINGS
def test_sa_gate(M, merges):
    fusion, x = build(SAGateFusion, M, merges, reduction=4), streams(M)
    w = weights(fusion)
    separated = []
    for m in range(M):
        guide = sum(x[:, n] for n in range(M) if n != m) / (M - 1)
        z = torch.cat([gap(guide), gap(x[:, m])], dim=1)
        z = z @ w[f'separation.0.{m}.weight'].T + w[f'separation.0.{m}.bias']
        assert z.shape[1] == C // 4
        z = z.clamp(min=0) @ w[f'separation.2.{m}.weight'].T
        z = torch.sigmoid(z + w[f'separation.2.{m}.bias'])
        separated.append(x[:, m] + z[:, :, None, None] * guide)
    logits = F.conv2d(torch.cat(separated, 1), w['gate.weight'], w['gate.bias'])
    gates = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    merged = sum(gates[:, m : m + 1] * x[:, m] for m in range(M))
    out = fusion(x)
    assert (out.merged is not None) == merges
    if merges:
        assert_close(out.merged, merged)
    for m in range(M):
        assert_close(out.streams[:, m], ((x[:, m] + merged) / 2).clamp(min=0))


def rectified(fusion, x):
    """CM-FRM, with half of the weights of channels and of places."""
    w, M = weights(fusion, 'rectify.'), x.shape[1]
    f = torch.cat(list(x.unbind(1)), dim=1)
    pooled = torch.cat([gap(f), f.flatten(2).max(dim=2).values], dim=1)
    z = pooled @ w['of_channels.0.weight'].T + w['of_channels.0.bias']
    z = z.clamp(min=0) @ w['of_channels.2.weight'].T + w['of_channels.2.bias']
    channel = torch.sigmoid(z)
    z = F.conv2d(f, w['of_places.0.weight'], w['of_places.0.bias']).clamp(min=0)
    z = F.conv2d(z, w['of_places.2.weight'], w['of_places.2.bias'])
    place = torch.sigmoid(z)
    out = []
    for m in range(M):
        others = [
            0.5 * channel[:, n * C : n * C + C, None, None] * x[:, n]
            + 0.5 * place[:, n : n + 1] * x[:, n]
            for n in range(M)
            if n != m
        ]
        out.append(x[:, m] + sum(others) / (M - 1))
    return torch.stack(out, dim=1)


def merged_by_ffm(fusion, x, heads, reduction):
    w, M = weights(fusion, 'merge.'), x.shape[1]
    B, _, _, H, W = x.shape
    hidden = C // reduction
    width = hidden // heads
    y, u, context = [], [], []
    for m in range(M):
        tokens = x[:, m].reshape(B, C, H * W).permute(0, 2, 1)
        z = tokens @ w[f'project.{m}.weight'].T + w[f'project.{m}.bias']
        z = z.clamp(min=0)
        y.append(z[..., :hidden])
        u.append(z[..., hidden:])
        kv = u[m] @ w[f'keys_values.{m}.weight'].T
        of_heads = []
        for h in range(heads):
            k = kv[..., h * width : h * width + width]
            v = kv[..., hidden + h * width : hidden + h * width + width]
            of_heads.append((k.transpose(1, 2) @ v / width**0.5).softmax(dim=-2))
        context.append(of_heads)
    images = []
    for m in range(M):
        attended = []
        for h in range(heads):
            others = [context[n][h] for n in range(M) if n != m]
            q = u[m][..., h * width : h * width + width]
            attended.append(q @ (sum(others) / len(others)))
        z = torch.cat([y[m], *attended], dim=-1)
        z = z @ w[f'join.{m}.weight'].T + w[f'join.{m}.bias']
        z = z + x[:, m].reshape(B, C, H * W).permute(0, 2, 1)
        z = F.layer_norm(
            z,
            (C,),
            w['norm.norm.weight'].view(M, C)[m],
            w['norm.norm.bias'].view(M, C)[m],
        )
        images.append(z.permute(0, 2, 1).reshape(B, C, H, W))
    f = torch.cat(images, dim=1)
    z = F.conv2d(f, w['embed.0.weight'], w['embed.0.bias'])
    z = F.conv2d(
        z, w['embed.1.weight'], w['embed.1.bias'], padding=1, groups=z.shape[1]
    )
    z = F.conv2d(z.clamp(min=0), w['embed.3.weight'], w['embed.3.bias'])
    z = batch_norm(z, w['embed.4.weight'], w['embed.4.bias'])
    return batch_norm(
        F.conv2d(f, w['shortcut.weight']) + z,
        w['out_norm.weight'],
        w['out_norm.bias'],
    )


@ANY_M
@pytest.mark.parametrize(('heads', 'reduction'), [(1, 1), (2, 2)])
def test_cmx(M, heads, reduction):
    fusion = build(CMXFusion, M, True, num_heads=heads, reduction=reduction)
    x = streams(M)
    out = fusion(x)
    assert_close(out.streams, rectified(fusion, x))
    assert_close(out.merged, merged_by_ffm(fusion, out.streams, heads, reduction))


@ANY_M
def test_cmx_with_kept_streams_is_the_rectification_alone(M):
    fusion, x = build(CMXFusion, M), streams(M)
    out = fusion(x)
    assert_close(out.streams, rectified(fusion, x))
    assert out.merged is None
    assert all(name.startswith('rectify.') for name in fusion.state_dict())


def settings(*kept):
    """All settings of the merging fusions, and of these, which keep their streams."""
    merging = [(name, merges) for name in MERGING for merges in (True, False)]
    return [*merging, *((name, False) for name in kept)]


@pytest.mark.parametrize(('name', 'merges'), settings('CBN'))
def test_gradients_are_those_of_the_formula(name, merges):
    """By finite differences, away from the kinks of ReLU and max pooling."""
    fusion = MODELS.build(
        dict(type=f'{name}Fusion', channels=4, num_modalities=2, merges=merges)
        | (dict(hidden_channels=3) if name == 'CBN' else {})
    ).double()
    for p in fusion.parameters():
        nn.init.normal_(p, std=0.3)
    x = torch.randn(1, 2, 4, 3, 2, dtype=torch.double, requires_grad=True)

    def run(x):
        out = fusion(x)
        return out.streams if out.merged is None else out.merged

    assert torch.autograd.gradcheck(run, (x,), atol=1e-4)


@pytest.mark.parametrize(('name', 'merges'), settings('Align', 'CBN'))
def test_every_parameter_is_trained(name, merges):
    """As DDP asks for: none is left without a gradient."""
    fusion = MODELS.build(
        dict(type=f'{name}Fusion', channels=8, num_modalities=3, merges=merges)
    )
    out = fusion(torch.randn(2, 3, 8, 6, 6, requires_grad=True))
    (out.streams if out.merged is None else out.merged).square().sum().backward()
    assert [n for n, p in fusion.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('name', MERGING)
def test_streams_stay_apart_if_they_are_kept(name):
    """But for the average, which says so."""
    fusion = MODELS.build(dict(type=f'{name}Fusion', channels=8))
    out = fusion(torch.randn(2, 2, 8, 6, 6)).streams
    assert torch.allclose(out[:, 0], out[:, 1]) == (name == 'Average')


@pytest.mark.parametrize('name', ['Align', 'CBN'])
def test_a_fusion_that_does_not_merge_says_so(name):
    with pytest.raises(ValueError, match=r'keeps all streams.*set merges=False'):
        MODELS.build(dict(type=f'{name}Fusion', channels=8, merges=True))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(type='ConcatFusion', num_modalities=1), 'at least 2, got 1'),
        (dict(type='SSMAFusion', reduction=0), '`reduction` must be at least 1, got 0'),
        (
            dict(type='SAGateFusion', reduction=0),
            '`reduction` must be at least 1, got 0',
        ),
        (dict(type='CBNFusion', modulated=2), 'one of 2 modalities, got 2'),
        (dict(type='CMXFusion', num_heads=3), r'multiple of .*, got 8 and 1 \* 3'),
        (dict(type='AlignFusion', num_kernels=0), 'num_kernels=0'),
        (dict(type='AlignFusion', factor=1), 'factor=1'),
        (dict(type='AlignFusion', common_weight=-1), 'not be negative, got -1'),
    ],
)
def test_arguments_out_of_their_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(channels=8, **arguments))
