"""Which blocks exchange: those of each transformer of the toolbox."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import CENBackbone, to_multimodal
from mmseg_cen.streams.attention_places import attention_exchanges, block_of
from mmseg_cen.streams.exchanges import ExchangeSequence

_PYRAMID = dict(
    embed_dims=[8, 16],
    num_heads=[1, 2],
    mlp_ratios=[2, 2],
    sr_ratios=[2, 1],
    patch_sizes=[4, 2],
    strides=[4, 2],
    out_indices=(0, 1),
)
_PLAIN = dict(
    img_size=32,
    patch_size=8,
    embed_dims=16,
    num_layers=2,
    num_heads=2,
    mlp_ratio=2,
    out_indices=(0, 1),
)
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
SWIN = dict(
    type='SwinTransformer',
    embed_dims=8,
    depths=(1, 2),
    num_heads=(1, 2),
    window_size=3,
    strides=(4, 2),
    out_indices=(0, 1),
    drop_path_rate=0.0,
)
VIT = dict(type='VisionTransformer', **_PLAIN)
#: Each with the number of its blocks.
FAMILIES = {
    'MiT': (MIT, 3),
    'Swin': (SWIN, 3),
    'ViT': (VIT, 2),
    'PCPVT': (dict(type='PCPVT', depths=[1, 2], drop_path_rate=0.0, **_PYRAMID), 3),
    'SVT': (
        dict(
            type='SVT',
            depths=[2, 2],
            windiow_sizes=[3, 3],
            norm_after_stage=[True, True],
            drop_path_rate=0.0,
            **_PYRAMID,
        ),
        4,
    ),
    'BEiT': (dict(type='BEiT', init_values=0.1, **_PLAIN), 2),
    'MAE': (dict(type='MAE', init_values=0.1, **_PLAIN), 2),
}


def build(backbone, num_modalities=2, exchange=None, **kwargs):
    exchange = dict(type='TokenExchange', threshold=0.5) | (exchange or {})
    return CENBackbone(backbone, num_modalities, exchange=exchange, **kwargs)


@pytest.mark.parametrize(
    ('family', 'where'),
    [*((family, 'output') for family in FAMILIES), ('MiT', 'input'), ('ViT', 'input')],
)
def test_every_transformer_exchanges_tokens_in_all_of_its_blocks(family, where):
    backbone, num_blocks = FAMILIES[family]
    net = build(backbone, exchange=dict(where=where)).train()
    net.init_weights()
    exchanges = attention_exchanges(net)
    assert len({block_of(name) for name in exchanges}) == num_blocks
    feats = net(torch.randn(2, 6, 32, 32))
    (feats[-1].square().mean() + feats.losses.pop('loss_tokens')).backward()
    for exchange in exchanges.values():
        assert (exchange.counts[0] > 0).any()
        assert all(p.grad is not None for p in exchange.scores.parameters())
    # The depth of a sample reaches the features of its RGB, and of no other sample.
    net.eval()
    x = torch.randn(2, 6, 32, 32)
    before = net(x)[-1]
    x[0, 3:] += 1
    after = net(x)[-1]
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[2:], after[2:])


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ImageBlock(nn.Module):
    """A block of images, (B, C, H, W), whose attention is a convolution."""

    def __init__(self):
        super().__init__()
        self.norm1 = LayerNorm2d(4)
        self.attn = nn.Sequential()
        self.attn.add_module('proj', nn.Conv2d(4, 4, 1))
        self.attn.add_module('proj_drop', nn.Dropout(0))

    def forward(self, x):
        return self.attn(self.norm1(x))


@pytest.mark.parametrize('size', [(4, 4), (3, 5)])
def test_blocks_of_images_exchange_positions(size):
    exchange = dict(type='TokenExchange', threshold=1.5, gated=False)
    plain = nn.Sequential(nn.Conv2d(3, 4, 1), ImageBlock()).eval()
    net = to_multimodal(copy.deepcopy(plain), 2, exchange=exchange).eval()
    assert_close(net(x := torch.randn(2, 3, *size)), plain(x.flip(0)))


def test_blocks_of_a_stage_share_predictors_and_store_them_once():
    net = build(MIT)
    first, second, third = attention_exchanges(net).values()
    assert first.scores is not second.scores
    assert second.scores is third.scores
    names = [name for name in net.state_dict() if '.predictors.' in name]
    assert {block_of(n.split('.predictors')[0]) for n in names} == {
        'layers.0.1.0',
        'layers.1.1.0',
    }
    assert len(names) == 2 * 10


def test_pattern_and_stages_choose_blocks():
    def chosen(**kwargs):
        return [block_of(name) for name in attention_exchanges(build(MIT, **kwargs))]

    assert chosen(stages=('layers.1',)) == ['layers.1.1.0', 'layers.1.1.1']
    last = r'layers\.0\.1\.0\.|layers\.1\.1\.1\.'
    assert chosen(pattern=last) == ['layers.0.1.0', 'layers.1.1.1']
    assert chosen(pattern=last, exchange=dict(where='input')) == chosen(pattern=last)
    with pytest.raises(ValueError, match=r'choose some of .*layers\.0\.1\.0\.norm1'):
        chosen(pattern='norm2')


def test_class_tokens_stay_and_are_not_scored():
    net = build(VIT)
    exchanges = attention_exchanges(net).values()
    for exchange in exchanges:
        assert exchange.class_tokens == 1
        x, tokens = torch.randn(2, 2, 2, 17, 16)
        out = exchange.of_tokens(x, tokens, None)
        assert torch.equal(out[:, :, 0], x[:, :, 0])
        assert not torch.equal(out[:, :, 1:], x[:, :, 1:])
    net.eval()(torch.randn(1, 6, 32, 32))
    assert all(e.counts[1].tolist() == [16, 16] for e in exchanges)
    without = dict(VIT, with_cls_token=False)
    assert {e.class_tokens for e in attention_exchanges(build(without)).values()} == {0}


def test_tokens_are_exchanged_before_channels():
    both = [dict(type='ChannelExchange'), dict(type='TokenExchange', where='input')]
    for exchange in (both, both[::-1]):
        net = CENBackbone(MIT, 2, exchange=exchange, layer_norms=True)
        norm = net.layers[0][1][0].norm1
        assert isinstance(norm.exchange, ExchangeSequence)
        types = [type(part).__name__ for part in norm.exchange.parts]
        assert types == ['TokenExchange', 'ChannelExchange']
        assert type(net.layers[0][1][0].norm2.exchange).__name__ == 'ChannelExchange'


def test_layer_norms_exchange_nothing_beside_tokens_alone():
    for exchange in (dict(type='TokenExchange'), [dict(type='AdapterExchange')]):
        with pytest.raises(ValueError, match=r"add dict\(type='ChannelExchange'\)"):
            CENBackbone(MIT, 2, exchange=exchange, layer_norms=True)
        CENBackbone(MIT, 1, exchange=exchange, layer_norms=True)


def test_networks_without_such_blocks_say_so():
    block = nn.Sequential()
    with pytest.raises(ValueError, match='blocks of a norm and an attention'):
        to_multimodal(block, 2, exchange=dict(type='TokenExchange'))
    block.norm, block.attn = nn.LayerNorm(8), nn.Linear(8, 8)
    with pytest.raises(ValueError, match="set where='input' of the exchange"):
        to_multimodal(block, 2, exchange=dict(type='TokenExchange'))


def test_an_attention_of_convolutions_exchanges_in_front_of_it():
    block = nn.Sequential()
    block.norm, block.attn = nn.BatchNorm2d(8), nn.Conv2d(8, 8, 1)
    exchange = dict(type='TokenExchange', where='input', threshold=1.5, gated=False)
    net = to_multimodal(block, 2, exchange=exchange).eval()
    x = torch.randn(2, 8, 3, 3)
    plain = to_multimodal(copy.deepcopy(block), 2).eval()
    plain.norm.exchange = None
    assert_close(net(x), plain(x).flip(0))
