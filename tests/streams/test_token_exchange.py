"""Laws of the exchange of tokens, on a small MiT."""

import copy
import math

import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.models import (
    CENBackbone,
    TokenExchange,
    present_modalities,
    stream_state_dict,
)
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.token_loss import token_exchanges
from mmseg_cen.streams.tokens import TokenScores

MIT = dict(
    type='MixVisionTransformer',
    embed_dims=8,
    num_stages=2,
    num_layers=[1, 2],
    num_heads=[1, 2],
    patch_sizes=[7, 3],
    strides=[4, 2],
    sr_ratios=[2, 1],
    out_indices=(0, 1),
)
BOTH = pytest.mark.parametrize('where', ['input', 'output'])


def build(M=2, **exchange):
    """A network in float64, in eval mode, whose private parameters are random."""
    exchange = dict(type='TokenExchange', threshold=0.5) | exchange
    net = CENBackbone(MIT, M, exchange=exchange)
    for parameter in private_parameters(net):
        parameter.data += 0.3 * torch.randn_like(parameter)
    for exchange in token_exchanges(net).values():
        exchange.scores.layers[
            -1
        ].bias.data.zero_()  # scores on both sides of the threshold
    return net.double().eval()


def private_parameters(net):
    """Those of norms and of predictors, each (M*C, ...) or (M, C, ...)."""
    for module in net.modules():
        if isinstance(module, ModalityNorm):
            yield from module.norm.parameters()
        elif isinstance(module, TokenScores):
            yield from module.parameters()


def images(M, B=2):
    return torch.randn(B, 3 * M, 32, 32).double()


def streams(net, x):
    """Features of the last stage, (B, M, C, H, W)."""
    M = net.num_modalities
    return net(x)[-1].unflatten(0, (-1, M))


@pytest.mark.parametrize(('M', 'where'), [(2, 'input'), (3, 'output')])
def test_without_threshold_and_gate_streams_are_unimodal_networks(M, where):
    net = build(M, threshold=0, gated=False, where=where)
    x = images(M)
    out = streams(net, x)
    for m in range(M):
        unimodal = MODELS.build(MIT).double().eval()
        unimodal.load_state_dict(stream_state_dict(net, m))
        expected = unimodal(x[:, 3 * m : 3 * m + 3])[-1]
        assert_close(out[:, m], expected)


@BOTH
def test_a_threshold_above_all_scores_swaps_two_streams(where):
    exchange = TokenExchange(threshold=1.5, gated=False, where=where)
    exchange.prepare(2, 8, 0)
    x, tokens = torch.randn(2, 2, 2, 5, 8)
    assert torch.equal(exchange.of_tokens(x, tokens, None), x.flip(1))
    swapped = exchange(x.transpose(2, 3), None)
    assert torch.equal(swapped, x.transpose(2, 3).flip(1))


@pytest.mark.parametrize(
    ('M', 'donor', 'where'),
    [(2, 'mean', 'output'), (3, 'mean', 'input'), (3, 'allocated', 'output')],
)
def test_equal_streams_are_a_fixed_point_up_to_the_gate(M, donor, where):
    net = build(M, where=where, donor=donor)
    for parameter in private_parameters(net):
        copies = parameter.data.unflatten(0, (M, -1))
        copies.copy_(copies[:1].clone())
    same = images(1).repeat(1, M, 1, 1)
    out = streams(net, same)
    shares = [
        e.counts[0].sum() / e.counts[1].sum() for e in token_exchanges(net).values()
    ]
    assert 0 < sum(shares) < len(shares)
    for exchange in token_exchanges(net).values():
        exchange.threshold = 0
    assert_close(out, streams(net, same))


@pytest.mark.parametrize(('M', 'where'), [(2, 'input'), (3, 'input'), (4, 'output')])
def test_permuted_modalities_permute_the_streams(M, where):
    net, x = build(M, where=where), images(M)
    order = torch.randperm(M)
    permuted = copy.deepcopy(net)
    for parameter in private_parameters(permuted):
        split = parameter.data.unflatten(0, (M, -1))
        parameter.data = split[order].flatten(0, 1)
    moved = x.unflatten(1, (M, 3))[:, order].flatten(1, 2)
    assert_close(streams(permuted, moved), streams(net, x)[:, order])


@pytest.mark.parametrize(
    ('M', 'donor', 'where'),
    [(2, 'mean', 'input'), (3, 'mean', 'output'), (3, 'allocated', 'output')],
)
def test_absent_modalities_never_donate(M, donor, where):
    net = build(M, threshold=1.5, where=where, donor=donor)
    present = torch.ones(2, M, dtype=torch.bool)
    present[0, 1] = False
    x = images(M)
    out = []
    for content in (0.0, 9.0):
        # What stands in for an absent stream, as private norms turn zeros into it.
        for module in net.modules():
            if isinstance(module, ModalityNorm) and content:
                module.norm.bias.data.view(M, -1)[1] += content
        with present_modalities(present):
            out.append(streams(net, x))
    assert_close(out[0][0, 0], out[1][0, 0])
    assert not torch.allclose(out[0][1, 0], out[1][1, 0])
    # A stream that is alone keeps its own tokens.
    if M == 2:
        alone = build(M, threshold=0, where=where)
        alone.load_state_dict(net.state_dict())
        assert_close(out[1][0, 0], streams(alone, x)[0, 0])


@BOTH
def test_a_checkpoint_restores_the_exchange(where):
    net, x = build(where=where), images(2)
    other = build(where=where)
    assert not torch.equal(net(x)[-1], other(x)[-1])
    other.load_state_dict(copy.deepcopy(net.state_dict()))
    assert torch.equal(net(x)[-1], other(x)[-1])


@BOTH
def test_a_checkpoint_of_streams_without_the_exchange_does_not_fit(where):
    plain = CENBackbone(MIT, 2, exchange_threshold=0)
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) .*predictors'):
        build(where=where).load_state_dict(plain.state_dict())


@BOTH
def test_a_unimodal_checkpoint_leaves_the_predictors_as_they_are(where):
    net, unimodal = build(where=where), MODELS.build(MIT).double()
    before = {n: p.clone() for n, p in net.named_parameters() if 'predictors' in n}
    net.load_state_dict(unimodal.state_dict())
    assert len(before) == 20
    after = dict(net.named_parameters())
    assert all(torch.equal(after[name], value) for name, value in before.items())
    weight = unimodal.layers[0][1][0].attn.attn.in_proj_weight
    assert torch.equal(net.layers[0][1][0].attn.attn.in_proj_weight, weight)


@BOTH
def test_mixed_precision_decides_in_float32(where):
    exchange = TokenExchange(where=where, threshold=0.5)
    exchange.prepare(2, 8, 0)
    for parameter in exchange.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    x = torch.randn(1, 2, 6, 8)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = exchange.between(x.bfloat16(), x, None)
    full = exchange.between(x, x, None)
    assert half.dtype == torch.bfloat16
    assert (half.float() - full).abs().max() < 0.05 * full.abs().max()
    net = CENBackbone(MIT, 2, exchange=dict(type='TokenExchange', where=where))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        feats = net.train()(images(2).float())
    loss = feats.losses.pop('loss_tokens')
    assert loss.dtype == torch.float32
    (loss + feats[-1].float().mean()).backward()
    grads = [p.grad for n, p in net.named_parameters() if 'predictors' in n]
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in grads)


def test_one_modality_is_the_plain_network():
    net = CENBackbone(MIT, 1, exchange=dict(type='TokenExchange'))
    assert net.state_dict().keys() == MODELS.build(MIT).state_dict().keys()
    assert not hasattr(net.train()(torch.randn(1, 3, 32, 32)), 'losses')


@pytest.mark.parametrize(
    ('argument', 'value'),
    [
        ('threshold', -1),
        ('threshold', math.nan),
        ('loss_weight', 'much'),
        ('loss_weight', math.inf),
        ('where', 'inside'),
        ('donor', 'first'),
        ('gated', 'no'),
    ],
)
def test_wrong_arguments_are_refused(argument, value):
    with pytest.raises(ValueError, match=f'`{argument}` of a TokenExchange must be'):
        TokenExchange(**{argument: value})
