"""Tensors of transformers that the toolbox keeps in another order or form."""

import pytest
import torch
from mmseg.models.backbones import MixVisionTransformer, SwinTransformer
from mmseg.models.utils.embed import PatchMerging
from torch.nn.functional import layer_norm, linear

from mmseg_cen.zoos import fit, recognize

MIT = dict(embed_dims=4, num_heads=(1, 2, 2, 2), num_layers=(1, 1, 1, 1))
SWIN = dict(embed_dims=4, num_heads=(1, 1, 1, 1), depths=(1, 1, 1, 1), window_size=2)


def convert(state, network):
    families = [base.__name__ for base in type(network).__mro__]
    found = recognize(state, families, [])
    return fit(found.state, found.scheme, network.state_dict())


def merged(x, norm, reduction):
    """Patch merging as the released code of Swin has it, (B, H, W, C)."""
    corners = [x[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
    x = torch.cat(corners, dim=-1)
    return linear(layer_norm(x, x.shape[-1:], norm['weight'], norm['bias']), reduction)


def test_merged_patches_are_those_of_swin():
    state = {
        'layers.0.blocks.0.attn.qkv.weight': torch.zeros(1),
        'layers.0.downsample.norm.weight': torch.randn(16),
        'layers.0.downsample.norm.bias': torch.randn(16),
        'layers.0.downsample.reduction.weight': torch.randn(8, 16),
    }
    found = convert(state, SwinTransformer(**SWIN)).state
    start = 'stages.0.downsample.'
    merging = PatchMerging(4, 8)
    merging.load_state_dict(
        {n.removeprefix(start): t for n, t in found.items() if n.startswith(start)}
    )
    x = torch.randn(1, 6, 8, 4)
    norm = {k: state[f'layers.0.downsample.norm.{k}'] for k in ('weight', 'bias')}
    expected = merged(x, norm, state['layers.0.downsample.reduction.weight'])
    out, size = merging(x.flatten(1, 2), (6, 8))
    assert size == (3, 4)
    torch.testing.assert_close(out, expected.flatten(1, 2), rtol=0, atol=1e-4)


def test_norms_of_outputs_that_no_classifier_has_start_as_identities():
    network = SwinTransformer(**SWIN)
    state = {f'backbone.{n}': t for n, t in network.state_dict().items()}
    for name in ('norm0', 'norm1', 'norm2'):
        torch.nn.init.normal_(state.pop(f'backbone.{name}.weight'))
        state.pop(f'backbone.{name}.bias')
    found = recognize(state, ['SwinTransformer'], [*network.state_dict()])
    fitted = fit(found.state, found.scheme, network.state_dict())
    assert fitted.misfits == []
    assert fitted.remarks == [
        'norm0, norm1, norm2 are not in the file: they start as 1 and 0'
    ]
    assert fitted.state['norm2.weight'].eq(1).all()
    assert fitted.state['norm2.bias'].eq(0).all()


def test_buffers_of_positions_are_those_of_the_network():
    network = SwinTransformer(**SWIN)
    name = 'stages.0.blocks.0.attn.w_msa.relative_position_index'
    state = {
        'layers.0.blocks.0.attn.qkv.weight': torch.zeros(1),
        'layers.0.downsample.reduction.weight': torch.zeros(8, 16),
        'layers.0.blocks.0.attn.relative_position_index': torch.zeros(3, 3),
    }
    found = convert(state, network).state
    assert torch.equal(found[name], network.state_dict()[name])


@pytest.mark.parametrize(
    ('parts', 'name'),
    [
        (dict(q=1, kv=2), 'block1.0.attn.{}.{}'),
        (
            dict(query=1, key=1, value=1),
            'segformer.encoder.block.0.0.attention.self.{}.{}',
        ),
    ],
)
def test_queries_keys_and_values_become_one_projection(parts, name):
    signs = (
        ['patch_embed1.proj.weight', 'block1.0.attn.kv.weight']
        if 'kv' in parts
        else [
            'segformer.encoder.patch_embeddings.0.proj.weight',
            'segformer.encoder.block.0.0.mlp.dwconv.dwconv.weight',
        ]
    )
    state = {sign: torch.zeros(1) for sign in signs}
    for part, size in reversed(parts.items()):
        state[name.format(part, 'weight')] = torch.randn(4 * size, 4)
        state[name.format(part, 'bias')] = torch.randn(4 * size)
    found = convert(state, MixVisionTransformer(**MIT)).state
    for kind in ('weight', 'bias'):
        expected = torch.cat([state[name.format(part, kind)] for part in parts])
        assert torch.equal(found[f'layers.0.1.0.attn.attn.in_proj_{kind}'], expected)


def test_linear_layers_become_convolutions():
    state = {
        'patch_embed1.proj.weight': torch.zeros(4, 3, 7, 7),
        'block1.0.attn.kv.weight': torch.zeros(8, 4),
        'block1.0.mlp.fc1.weight': torch.randn(16, 4),
    }
    found = convert(state, MixVisionTransformer(**MIT)).state
    weight = found['layers.0.1.0.ffn.layers.0.weight']
    assert torch.equal(weight[..., 0, 0], state['block1.0.mlp.fc1.weight'])
