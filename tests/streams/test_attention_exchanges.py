"""The formulas of pixel attention and adapters, written down token by token."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mmseg_cen.models import AdapterExchange, CENBackbone, PixelAttentionExchange
from mmseg_cen.streams.attention_places import attention_exchanges

B, N, C = 2, 3, 8
PRESENT = {
    2: torch.tensor([[True, True], [True, False]]),
    3: torch.tensor([[True, True, True], [True, False, True]]),
}


def ready(exchange, M):
    exchange.prepare(M, C, 0)
    for parameter in exchange.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return exchange.double()


def others_of(b, m, M, present):
    return [k for k in range(M) if k != m and (present is None or present[b, k])]


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('partly', [False, True])
def test_a_pixel_attends_to_itself_and_to_the_others(M, partly):
    exchange = ready(PixelAttentionExchange(num_heads=2), M)
    x, tokens = torch.randn(2, B, M, N, C).double()
    present = PRESENT[M] if partly else None
    out = exchange.between(x, tokens, present)

    def linear(layer, m, value):
        return value @ layer.weight[m] + layer.bias[m]

    for b, m, n in [(b, m, n) for b in range(B) for m in range(M) for n in range(N)]:
        others, y = others_of(b, m, M, present), x[b, m, n]
        expected = y
        if others:
            z = sum(x[b, k, n] for k in others) / len(others)
            h = F.gelu(linear(exchange.relation[0], m, torch.cat([y, z])))
            r = linear(exchange.relation[1], m, h).softmax(-1)
            noise_k, noise_v = exchange.noise[:, m, 0]
            q = linear(exchange.query, m, y)
            k = [linear(exchange.key, m, key) for key in (y + noise_k, y * r)]
            v = [linear(exchange.value, m, value) for value in (y + noise_v, z)]
            heads = []
            for d in (slice(0, 4), slice(4, 8)):
                similar = torch.stack([q[d] @ key[d] for key in k]) / 2
                weights = similar.softmax(0)
                heads.append(weights[0] * v[0][d] + weights[1] * v[1][d])
            expected = y + linear(exchange.out, m, torch.cat(heads))
        assert_close(out[b, m, n], expected)


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('shared', [False, True])
def test_adapters_add_what_the_others_know(M, shared):
    exchange = ready(AdapterExchange(width=4, shared=shared), M)
    x, tokens = torch.randn(2, B, M, N, C).double()
    present = PRESENT[M]
    out = exchange.between(x, tokens, present)
    pairs = [(i, j) for i in range(M) for j in range(M) if i != j]
    if shared:
        pairs = [(i, j) for i, j in pairs if i < j]
    assert len(exchange.up.weight) == len(pairs)
    for b, m in [(b, m) for b in range(B) for m in range(M)]:
        expected = x[b, m]
        for k in others_of(b, m, M, present):
            p = pairs.index((min(k, m), max(k, m)) if shared else (k, m))
            h = F.layer_norm((tokens + x)[b, k], (C,))
            for layer in (exchange.down, exchange.inner):
                h = h @ layer.weight[p] + layer.bias[p]
            h = F.gelu(h) @ exchange.up.weight[p] + exchange.up.bias[p]
            expected = expected + h
        assert_close(out[b, m], expected)


@pytest.mark.parametrize(
    'exchange',
    [dict(type='PixelAttentionExchange', num_heads=4), dict(type='AdapterExchange')],
)
def test_a_pretrained_network_starts_as_it_is(exchange):
    vit = dict(
        type='VisionTransformer',
        img_size=16,
        patch_size=8,
        embed_dims=8,
        num_layers=2,
        num_heads=1,
        out_indices=(1,),
    )
    net = CENBackbone(vit, 3, exchange=exchange).eval()
    plain = CENBackbone(vit, 3, exchange_threshold=0).eval()
    plain.load_state_dict(net.state_dict(), strict=False)
    x = torch.randn(2, 9, 16, 16)
    assert_close(net(x)[-1], plain(x)[-1])
    net.train()(x)[-1].square().mean().backward()
    for each in attention_exchanges(net).values():
        last = each.out if hasattr(each, 'out') else each.up
        assert last.weight.grad.any()


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match='`num_heads` must be a positive integer'):
        PixelAttentionExchange(0)
    with pytest.raises(ValueError, match='must divide the 6 channels'):
        PixelAttentionExchange(4).prepare(2, 6, 0)
    with pytest.raises(ValueError, match='`width` of the adapters must be'):
        AdapterExchange(0)
