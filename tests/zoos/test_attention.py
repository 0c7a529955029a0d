"""Tensors of transformers that the toolbox keeps in another order or form."""

import runpy
from pathlib import Path

import mmseg
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


def released_mit():
    """Tensors of a MiT of one block a stage, under the names of the released code."""
    state = {}

    def layer(name, *shape):
        state[f'{name}.weight'] = torch.randn(shape)
        state[f'{name}.bias'] = torch.randn(shape[0])

    widths, ratios = (4, 8, 8, 8), (8, 4, 2, 1)
    for i, (C, r) in enumerate(zip(widths, ratios, strict=True), start=1):
        size, inputs = (7, 3) if i == 1 else (3, widths[i - 2])
        layer(f'patch_embed{i}.proj', C, inputs, size, size)
        layer(f'patch_embed{i}.norm', C)
        block = f'block{i}.0'
        for name, shape in {
            'norm1': (C,), 'attn.q': (C, C), 'attn.kv': (2 * C, C),
            'attn.proj': (C, C), 'norm2': (C,), 'mlp.fc1': (4 * C, C),
            'mlp.dwconv.dwconv': (4 * C, 1, 3, 3), 'mlp.fc2': (C, 4 * C),
        }.items():  # fmt: skip
            layer(f'{block}.{name}', *shape)
        if r > 1:
            layer(f'{block}.attn.sr', C, C, r, r)
            layer(f'{block}.attn.norm', C)
        layer(f'norm{i}', C)
    layer('head', 10, 8)
    return state


def released_swin():
    """Tensors of a Swin of one block a stage, under the names of the released code."""
    state = {}

    def layer(name, *shape, bias=True):
        state[f'{name}.weight'] = torch.randn(shape)
        if bias:
            state[f'{name}.bias'] = torch.randn(shape[0])

    layer('patch_embed.proj', 4, 3, 4, 4)
    layer('patch_embed.norm', 4)
    for i, C in enumerate((4, 8, 16, 32)):
        block = f'layers.{i}.blocks.0'
        for name, shape in {
            'norm1': (C,), 'attn.qkv': (3 * C, C), 'attn.proj': (C, C),
            'norm2': (C,), 'mlp.fc1': (4 * C, C), 'mlp.fc2': (C, 4 * C),
        }.items():  # fmt: skip
            layer(f'{block}.{name}', *shape)
        state[f'{block}.attn.relative_position_bias_table'] = torch.randn(9, 1)
        if i < 3:
            layer(f'layers.{i}.downsample.norm', 4 * C)
            layer(f'layers.{i}.downsample.reduction', 2 * C, 4 * C, bias=False)
    layer('norm', 32)
    layer('head', 10, 32)
    return state


@pytest.mark.parametrize(
    ('network', 'state', 'name'),
    [
        (lambda: MixVisionTransformer(**MIT), released_mit, 'mit'),
        (lambda: SwinTransformer(**SWIN), released_swin, 'swin'),
    ],
    ids=['mit', 'swin'],
)
def test_released_weights_become_what_the_toolbox_makes_of_them(network, state, name):
    tools = Path(mmseg.__file__).parent / '.mim/tools/model_converters'
    if not tools.is_dir():
        pytest.skip('an mmseg without its tools')
    convert_there = runpy.run_path(str(tools / f'{name}2mmseg.py'))[f'convert_{name}']
    state = state()
    fitted = convert(state, network())
    assert fitted.misfits == []
    expected = convert_there(state)
    if name == 'swin':  # its norm is of the last output, and none of the toolbox's
        for kind in ('weight', 'bias'):
            assert torch.equal(
                fitted.state[f'norm3.{kind}'], expected.pop(f'norm.{kind}')
            )
    assert expected
    for key, tensor in expected.items():
        assert torch.equal(fitted.state[key], tensor), key
