"""Laws of tools/model_converters/released_tokenfusion.py."""

import sys

import torch
from mmengine.config import Config, DictAction
from mmseg.registry import MODELS
from model_converters import released_tokenfusion

from mmseg_cen.models import CENBackbone


def released_checkpoint():
    """A released MiT-B0 checkpoint for 7 classes, of zeros."""
    mit = dict(
        type='MixVisionTransformer',
        embed_dims=32,
        num_layers=[2, 2, 2, 2],
        num_heads=[1, 2, 5, 8],
    )
    net = CENBackbone(mit, 2, exchange=dict(type='TokenExchange'))
    state = {
        'alpha': torch.zeros(2),
        'decoder.linear_pred.weight': torch.zeros(7, 16, 1, 1),
        'decoder.linear_pred.bias': torch.zeros(7),
        'decoder.linear_fuse.conv.weight': torch.zeros(16, 64, 1, 1),
    }
    for name in ('weight', 'bias', 'running_mean', 'running_var'):
        state[f'decoder.linear_fuse.bn.{name}'] = torch.ones(16)
    state['decoder.linear_fuse.bn.num_batches_tracked'] = torch.tensor(1)

    def layer(name, module, flat=False):
        for key, value in module.named_parameters(recurse=False):
            state[f'{name}.{key}'] = (
                value.flatten(1) if flat and key[0] == 'w' else value
            )

    def norm(name, module):
        for key, value in module.norm.named_parameters():
            for m, part in enumerate(value.chunk(2)):
                state[f'{name}.ln_{m}.{key}'] = part

    for s, (embed, blocks, last) in enumerate(net.layers, start=1):
        C = embed.projection.out_channels
        layer(f'encoder.patch_embed{s}.proj.module', embed.projection)
        norm(f'encoder.patch_embed{s}.norm', embed.norm)
        norm(f'encoder.norm{s}', last)
        state[f'decoder.linear_c{s}.proj.weight'] = torch.zeros(16, C)
        state[f'decoder.linear_c{s}.proj.bias'] = torch.zeros(16)
        for m in range(2):
            net_m = f'encoder.score_predictor.{s - 1}.score_nets.{m}'
            layer(f'{net_m}.0', torch.nn.LayerNorm(C))
            widths = (C, C, C // 2, C // 4, 2)
            for i in range(4):
                linear = torch.nn.Linear(*widths[i : i + 2])
                layer(f'{net_m}.{2 * i + 1}', linear)
        for j, block in enumerate(blocks):
            name = f'encoder.block{s}.{j}'
            norm(f'{name}.norm1', block.norm1)
            norm(f'{name}.norm2', block.norm2)
            attention = block.attn.attn
            for key in ('weight', 'bias'):
                q, kv = getattr(attention, f'in_proj_{key}').split([C, 2 * C])
                state[f'{name}.attn.q.module.{key}'] = q
                state[f'{name}.attn.kv.module.{key}'] = kv
            layer(f'{name}.attn.proj.module', attention.out_proj)
            if block.attn.sr_ratio > 1:
                layer(f'{name}.attn.sr.module', block.attn.sr)
                norm(f'{name}.attn.norm', block.attn.norm)
            layer(f'{name}.mlp.fc1.module', block.ffn.layers[0], flat=True)
            layer(f'{name}.mlp.dwconv.dwconv', block.ffn.layers[1])
            layer(f'{name}.mlp.fc2.module', block.ffn.layers[4], flat=True)
    return {'segmenter': {f'module.{k}': v.detach() for k, v in state.items()}}


def test_the_printed_options_build_the_model_of_the_converted_file(
    tmp_path, monkeypatch, capsys
):
    files = [str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth')]
    torch.save(released_checkpoint(), files[0])
    monkeypatch.setattr(sys, 'argv', ['released_tokenfusion', *files])
    released_tokenfusion.main()
    command = capsys.readouterr().out.splitlines()[-1].split()
    assert command[:4] == [
        'python',
        'tools/test.py',
        'configs/tokens/segformer_b2_nyud.py',
        files[1],
    ]
    options = dict(option.split('=', 1) for option in command[5:])
    cfg = Config.fromfile(command[2])
    cfg.merge_from_dict(
        {key: DictAction._parse_iterable(value) for key, value in options.items()}
    )
    state = torch.load(files[1], weights_only=True)['state_dict']
    MODELS.build(cfg.model).load_state_dict(state)
