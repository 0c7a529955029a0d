from copy import deepcopy

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import CENBackbone, stream_state_dict, to_multimodal
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.lora import LoRALinear

SWIN = dict(
    type='SwinTransformer',
    pretrain_img_size=32,
    embed_dims=4,
    depths=(2, 1, 1, 1),
    num_heads=(1, 1, 2, 2),
    window_size=2,
    drop_path_rate=0.0,
)


def linear():
    return nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 5, bias=False))


def draw(net):
    for layer in net.modules():
        if isinstance(layer, LoRALinear):
            nn.init.normal_(layer.lora_b)
    return net


@pytest.mark.parametrize('M', [2, 3])
def test_the_network_starts_as_without_lora_and_loads_unimodal_weights(M):
    alone = linear()
    net = to_multimodal(linear(), M, lora=dict(rank=2))
    missing, unexpected = net.load_state_dict(alone.state_dict(), strict=True)
    assert not missing + unexpected
    x = torch.randn(2 * M, 7, 4)
    assert_close(net(x), alone(x))


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('shape', [(4,), (7, 4), (7, 3, 4)])
def test_each_stream_has_a_product_of_its_own(M, shape):
    layer = draw(to_multimodal(linear(), M, lora=dict(rank=2, scale=3.0)))[0]
    x = torch.randn(2 * M, *shape)
    out = layer(x)
    for b in range(2):
        for m in range(M):
            product = 3.0 / 2 * layer.lora_b[m] @ layer.lora_a[m]
            expected = x[b * M + m] @ (layer.weight + product).T + layer.bias
            assert_close(out[b * M + m], expected, rtol=1e-4, atol=1e-5)


def test_regions_of_a_stream_have_its_part():
    layer = draw(to_multimodal(linear(), 2, lora={}))[0]
    x = torch.randn(4, 3, 7, 4)  # B*M streams of 3 windows
    expected = layer(x).flatten(0, 1)
    with streams_on_batch(layer, 4):
        assert_close(layer(x.flatten(0, 1)), expected)
        with pytest.raises(ValueError, match='got a batch of 6'):
            layer(torch.randn(6, 4))


def test_private_parts_and_norms_alone_are_trained():
    net = draw(to_multimodal(linear(), 2, lora=dict(rank=1)))
    net(torch.randn(4, 4)).square().sum().backward()
    trained = {name for name, p in net.named_parameters() if p.grad is not None}
    parts = {f'{i}.lora_{ab}' for i in (0, 2) for ab in 'ab'}
    assert trained == {*parts, '1.norm.weight', '1.norm.bias'}


def test_a_stream_of_a_swin_is_the_unimodal_network_with_merged_weights():
    """Its windows are on the batch axis."""
    net = draw(CENBackbone(SWIN, 2, lora=dict(rank=2)))
    other = CENBackbone(SWIN, 2, lora=dict(rank=2))
    alone = MODELS.build(SWIN)
    for network in (net, other, alone):
        network.eval()
    x = torch.randn(2, 6, 32, 32)
    with torch.no_grad():
        out = net(x)
        for m in range(2):
            alone.load_state_dict(stream_state_dict(net, m))
            for folded, own in zip(out, alone(x[:, 3 * m : 3 * m + 3]), strict=True):
                assert_close(folded[m::2], own, rtol=1e-3, atol=1e-4)
    other.load_state_dict(deepcopy(net.state_dict()))
    assert_close(other(x), out)


def test_a_checkpointed_block_knows_its_windows_when_it_runs_again():
    net = draw(CENBackbone(SWIN, 2, lora=dict(rank=2))).train()
    twin = deepcopy(net)
    for stage in twin.stages:
        for block in stage.blocks:
            block.with_cp = True
    x = torch.randn(1, 6, 32, 32)
    for each in (net, twin):
        sum(feat.sin().sum() for feat in each(x)).backward()
    others = dict(twin.named_parameters())
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            assert_close(others[name].grad, parameter.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@pytest.mark.filterwarnings('ignore:.torch.jit.trace:DeprecationWarning')
def test_a_network_with_lora_can_be_traced():
    net = draw(to_multimodal(linear(), 2, lora=dict(rank=2))).eval()
    x = torch.randn(2, 3, 4)
    with streams_on_batch(net, 2):
        traced = torch.jit.trace(net, x)
    assert_close(traced(x), net(x))


def test_every_part_is_trained_and_a_layer_that_is_not_called_has_none():
    beit = dict(
        type='BEiT',
        img_size=32,
        patch_size=8,
        embed_dims=16,
        num_layers=2,
        num_heads=2,
        out_indices=(1,),
        init_values=0.1,
    )
    net = draw(CENBackbone(beit, 2, lora=dict(rank=2))).train()
    net(torch.randn(1, 6, 32, 32))[-1].square().mean().backward()
    parts = {name for name, _ in net.named_parameters() if 'lora_' in name}
    grads = {name for name, p in net.named_parameters() if p.grad is not None}
    assert parts <= grads
    assert {name.rsplit('.', 2)[1] for name in parts} == {'proj', '0', '1'}


@pytest.mark.parametrize(
    ('kwargs', 'why'),
    [
        (dict(lora=dict(rank=0)), '`rank` of lora must be a positive number, got 0'),
        (dict(lora=dict(rank='4')), "`rank` of lora must be .*, got '4': set rank=4"),
        (dict(lora=dict(scale=None)), '`scale` of lora must be .*, got None'),
        (dict(lora=dict(r=4)), r"`lora` must be a dict of .*, got {'r': 4}: set dict"),
        (dict(lora=4), '`lora` must be a dict of .*, got 4'),
        (
            dict(lora={}, norms='shared'),
            "`lora` must have shared layers and .* norms='sh",
        ),
    ],
)
def test_wrong_arguments_are_refused(kwargs, why):
    with pytest.raises(ValueError, match=why):
        to_multimodal(linear(), 2, **kwargs)


def test_one_modality_is_refused():
    with pytest.raises(ValueError, match='`lora` must have several modalities'):
        to_multimodal(linear(), 1, lora={})


def test_a_network_without_linear_layers_is_refused():
    with pytest.raises(ValueError, match='with linear layers, got a Conv2d'):
        to_multimodal(nn.Conv2d(3, 4, 3), 2, lora={})
