"""Segmentation checkpoints of the released TokenFusion code (CVPR 2022).

There, a modality has layers ``ln_0``, ``ln_1``, ... for a private norm of M modalities,
and a score net of its own in the predictor of each stage; here, each of these is one
module over M copies. A linear layer of the feed-forward is a 1 x 1 convolution here,
and queries, keys and values are one product. All else has other names, and equal
tensors.

The decoder of the released code has one batch norm for all modalities, ours a private
one for each, which starts with these weights.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .checkpoint import (
    NORM_TENSORS,
    RELEASED_TOKENFUSION,
    require_names,
    require_origin,
    state_dict_of,
)

_NETWORK = 'a TokenFusion SegFormer'
#: Linear layers of a score net among its layers.
_SCORE_LAYERS = (1, 3, 5, 7)


class Source(NamedTuple):
    """Released tensors, and how ours is made of them.

    Attributes:
        names: Names of the released tensors.
        join: From these tensors to ours.
    """

    names: Sequence[str]
    join: Callable[[list[Tensor]], Tensor] = torch.cat


def from_released(checkpoint: Any) -> dict[str, Any]:
    """Convert a released checkpoint into one of ours.

    Args:
        checkpoint: ``{'segmenter': state_dict, ...}`` or a bare state dict, its names
            with or without the prefix ``module.``.

    Returns:
        ``state_dict``, and ``meta`` with the ``model`` that it is of: settings to merge
        into the ``model`` of ``configs/tokens/segformer_b2_nyud.py``.

    Raises:
        ValueError: If the checkpoint has another origin, which the message names, or is
            incomplete.
    """
    released = state_dict_of(checkpoint)
    require_origin(released, RELEASED_TOKENFUSION)
    sources = released_sources(released)
    require_names(released, [source.names for source in sources.values()], _NETWORK)
    state = {
        name: source.join([released[part] for part in source.names])
        for name, source in sources.items()
        if source.names[0] in released
    }
    return {'state_dict': state, 'meta': {'model': model_settings(released)}}


def model_settings(released: Mapping[str, Tensor]) -> dict[str, Any]:
    """Settings of the ``model`` that fits a released state dict."""
    embeddings = [
        released[f'encoder.patch_embed{s}.proj.module.weight'] for s in (1, 2, 3, 4)
    ]
    widths = [len(weight) for weight in embeddings]
    hidden = released['encoder.block1.0.mlp.fc1.module.weight']
    classifier = released['decoder.linear_pred.weight']
    return {
        'backbone': {
            'backbone': {
                'in_channels': embeddings[0].shape[1],
                'embed_dims': widths[0],
                'num_layers': _depths(released),
                'num_heads': [width // widths[0] for width in widths],
                'sr_ratios': [_reduction(released, stage) for stage in (1, 2, 3, 4)],
                'mlp_ratio': len(hidden) // widths[0],
            },
            'num_modalities': len(released['alpha']),
            'exchange': {'where': 'output', 'threshold': 2e-2},
        },
        'decode_head': {
            'head': {
                'in_channels': widths,
                'channels': classifier.shape[1],
                'num_classes': classifier.shape[0],
            }
        },
    }


def released_sources(released: Mapping[str, Tensor]) -> dict[str, Source]:
    """The released tensors of each tensor of ours.

    Args:
        released: The released state dict, which tells the number of layers.
    """
    first = r'encoder\.patch_embed1\.norm\.ln_\d+\.weight'
    M = sum(bool(re.fullmatch(first, name)) for name in released) or 1
    sources = {'decode_head.alpha_logits': Source(['alpha'])}

    def layer(ours: str, name: str, join: Any = torch.cat) -> None:
        sources[f'{ours}.weight'] = Source([f'{name}.weight'], join)
        sources[f'{ours}.bias'] = Source([f'{name}.bias'])

    def norm(ours: str, name: str) -> None:
        for tensor in ('weight', 'bias'):
            copies = [f'{name}.ln_{m}.{tensor}' for m in range(M)]
            sources[f'{ours}.norm.{tensor}'] = Source(copies)

    for s, depth in enumerate(_depths(released)):
        stage = f'backbone.layers.{s}'
        layer(f'{stage}.0.projection', f'encoder.patch_embed{s + 1}.proj.module')
        norm(f'{stage}.0.norm', f'encoder.patch_embed{s + 1}.norm')
        norm(f'{stage}.2', f'encoder.norm{s + 1}')
        scores = f'{stage}.1.0.attn.dropout_layer.0.exchange.predictors'
        sources |= _predictors(scores, f'encoder.score_predictor.{s}.score_nets', M)
        for j in range(depth):
            ours, block = f'{stage}.1.{j}', f'encoder.block{s + 1}.{j}'
            norm(f'{ours}.norm1', f'{block}.norm1')
            norm(f'{ours}.norm2', f'{block}.norm2')
            for tensor in ('weight', 'bias'):
                sources[f'{ours}.attn.attn.in_proj_{tensor}'] = Source(
                    [f'{block}.attn.{part}.module.{tensor}' for part in ('q', 'kv')]
                )
            layer(f'{ours}.attn.attn.out_proj', f'{block}.attn.proj.module')
            if f'{block}.attn.sr.module.weight' in released:
                layer(f'{ours}.attn.sr', f'{block}.attn.sr.module')
                norm(f'{ours}.attn.norm', f'{block}.attn.norm')
            layer(f'{ours}.ffn.layers.0', f'{block}.mlp.fc1.module', _as_convolution)
            layer(f'{ours}.ffn.layers.1', f'{block}.mlp.dwconv.dwconv')
            layer(f'{ours}.ffn.layers.4', f'{block}.mlp.fc2.module', _as_convolution)
    head = 'decode_head.head'
    for i in range(4):
        name = f'decoder.linear_c{i + 1}.proj'
        layer(f'{head}.convs.{i}.conv', name, _as_convolution)
    fusion = 'decoder.linear_fuse'
    sources[f'{head}.fusion_conv.conv.weight'] = Source(
        [f'{fusion}.conv.weight'], _finest_first
    )
    for tensor in NORM_TENSORS:
        sources[f'{head}.fusion_conv.bn.norm.{tensor}'] = Source(
            [f'{fusion}.bn.{tensor}'], lambda parts: _copies(parts[0], M)
        )
    layer(f'{head}.conv_seg', 'decoder.linear_pred')
    return sources


def _predictors(ours: str, name: str, num_modalities: int) -> dict[str, Source]:
    """The predictors of the scores of a stage; our weights are (M, in, out)."""

    def of_each(layer: str) -> list[str]:
        return [f'{name}.{m}.{layer}' for m in range(num_modalities)]

    sources = {
        f'{ours}.norm_weight': Source(of_each('0.weight'), torch.stack),
        f'{ours}.norm_bias': Source(of_each('0.bias'), torch.stack),
    }
    for i, layer in enumerate(_SCORE_LAYERS):
        sources[f'{ours}.layers.{i}.weight'] = Source(
            of_each(f'{layer}.weight'),
            lambda parts: torch.stack(parts).transpose(1, 2).contiguous(),
        )
        sources[f'{ours}.layers.{i}.bias'] = Source(
            of_each(f'{layer}.bias'), torch.stack
        )
    return sources


def _as_convolution(parts: list[Tensor]) -> Tensor:
    return parts[0][:, :, None, None]


def _finest_first(parts: list[Tensor]) -> Tensor:
    """Input channels of the fusion: theirs begin with the coarsest features."""
    return torch.cat(parts[0].chunk(4, dim=1)[::-1], dim=1)


def _copies(tensor: Tensor, num_modalities: int) -> Tensor:
    return tensor.repeat(num_modalities) if tensor.ndim else tensor


def _depths(released: Mapping[str, Tensor]) -> list[int]:
    """Number of blocks in each of the four stages."""
    depths = []
    for stage in (1, 2, 3, 4):
        depth = 0
        while f'encoder.block{stage}.{depth}.norm1.ln_0.weight' in released:
            depth += 1
        depths.append(depth)
    return depths


def _reduction(released: Mapping[str, Tensor], stage: int) -> int:
    weight = released.get(f'encoder.block{stage}.0.attn.sr.module.weight')
    return 1 if weight is None else weight.shape[-1]
