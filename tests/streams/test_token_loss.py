import copy

import pytest
import torch
from torch.testing import assert_close

from mmseg_cen.models import CENBackbone, present_modalities
from mmseg_cen.streams.token_loss import (
    take_token_loss,
    token_exchanges,
    token_shares,
)

VIT = dict(
    type='VisionTransformer',
    img_size=16,
    patch_size=8,
    embed_dims=8,
    num_layers=2,
    num_heads=1,
    mlp_ratio=1,
    out_indices=(1,),
)
SWIN = dict(
    type='SwinTransformer',
    embed_dims=8,
    depths=(1, 1),
    num_heads=(1, 1),
    window_size=2,
    strides=(4, 2),
    out_indices=(1,),
    drop_path_rate=0.0,
)


def build(M=2, backbone=VIT, **exchange):
    exchange = dict(type='TokenExchange', threshold=0.5) | exchange
    net = CENBackbone(backbone, M, exchange=exchange)
    for each in token_exchanges(net).values():
        for layer in each.scores.layers:
            torch.nn.init.normal_(layer.weight, std=0.5)
    return net.train()


def recorded_scores(net):
    """Scores of each pass, as the predictors return them."""
    scores = []
    for each in {e.scores for e in token_exchanges(net).values()}:
        each.register_forward_hook(lambda _, args, out: scores.append(out))
    return scores


@pytest.mark.parametrize('backbone', [VIT, SWIN])
def test_the_loss_is_the_mean_of_all_scores(backbone):
    net = build(backbone=backbone, loss_weight=0.3)
    scores = recorded_scores(net)
    losses = net(torch.randn(3, 6, 16, 16)).losses
    every = torch.cat([s.flatten() for s in scores])
    assert losses.keys() == {'loss_tokens'}
    assert_close(losses['loss_tokens'], 0.3 * every.mean())
    # Lambda of the released code times the sum of the scores, for lambda = 1e-6.
    weight = 1e-6 * every.numel()
    assert_close(weight * losses['loss_tokens'] / 0.3, 1e-6 * every.sum())


def test_scores_of_absent_streams_do_not_count():
    net = build(3)
    scores = recorded_scores(net)
    present = torch.tensor([[True, True, False], [True, False, True]])
    with present_modalities(present):
        loss = net(torch.randn(2, 9, 16, 16)).losses.pop('loss_tokens')
    assert_close(loss, torch.cat([s[present].flatten() for s in scores]).mean())


def test_checkpointed_blocks_run_twice_and_count_once():
    net = build(backbone=SWIN)
    twin = copy.deepcopy(net)
    for stage in twin.stages:
        for block in stage.blocks:
            block.with_cp = True
    present = torch.tensor([[True, True], [True, False]])
    x = torch.randn(2, 6, 16, 16)
    runs = {}
    for name, each in (('plain', net), ('checkpointed', twin)):
        scores = recorded_scores(each)
        with present_modalities(present):
            feats = each(x)
        loss = feats.losses.pop('loss_tokens')
        assert len(scores) == 2
        (feats[-1].square().mean() + loss).backward()
        assert len(scores) == (2 if each is net else 4)
        assert all(e.last_scores is None for e in token_exchanges(each).values())
        runs[name] = loss, [p.grad for p in each.parameters() if p.grad is not None]
    assert_close(*(loss for loss, _ in runs.values()))
    for grad, other in zip(*(grads for _, grads in runs.values()), strict=True):
        assert_close(grad, other)


def test_checkpointing_that_loses_the_graph_is_refused():
    net = build()
    with torch.no_grad():
        net.forward_folded(torch.randn(2, 3, 16, 16))
        scores = torch.rand(1, 2, 4)
    for exchange in token_exchanges(net).values():
        exchange.last_scores = scores
    with pytest.raises(ValueError, match='set activation_checkpointing=True in'):
        take_token_loss(net)


def test_only_a_training_has_the_loss_and_a_weight_of_zero_has_none():
    x = torch.randn(1, 6, 16, 16)
    assert not hasattr(build().eval()(x), 'losses')
    assert not hasattr(build(loss_weight=0)(x), 'losses')


def test_a_head_must_take_the_loss():
    net, x = build(), torch.randn(1, 6, 16, 16)
    net(x)
    with pytest.raises(ValueError, match='must take the losses of TokenExchange'):
        net(x)
    net(x).losses.clear()
    net(x)
    copy.deepcopy(net)(x)  # no pass precedes it


def test_shares_are_those_of_the_scores_below_the_threshold():
    net = build(3)
    scores = recorded_scores(net)
    assert token_shares(net, ('a', 'b', 'c')) == {}
    present = torch.tensor([[True, True, True], [True, False, True]])
    with present_modalities(present):
        net.eval()(torch.randn(2, 9, 16, 16))
    shares = token_shares(net, ('a', 'b', 'c'))
    assert shares.keys() == {
        f'{m}/tokens{block}' for m in 'abc' for block in ('', '/layers.0', '/layers.1')
    }
    small = torch.stack(scores) < 0.5  # (blocks, B, M, N)
    assert shares['a/tokens'] == pytest.approx(float(small[:, :, 0].float().mean()))
    first = small[:, 0, 1].float()
    assert shares['b/tokens'] == pytest.approx(float(first.mean()))
    assert shares['b/tokens/layers.1'] == pytest.approx(float(first[1].mean()))
