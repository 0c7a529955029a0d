"""Checkpoints of the released CEN segmentation code, in its names and in ours.

The released network is a CEN-RefineNet with a bottleneck ResNet. Unlike ours, it has M
layers ``bn_0``, ``bn_1``, ... for a private norm of M modalities; here, a private norm
is one layer over M*C channels. The convolutions are the same tensors under other names.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .checkpoint import (
    NORM_TENSORS,
    OURS,
    RELEASED_SEGMENTATION,
    join_copies,
    require_names,
    require_origin,
    split_copies,
    state_dict_of,
)

#: Blocks in each stage of the bottleneck ResNets, and their depth.
DEPTHS: dict[tuple[int, ...], int] = {
    (3, 4, 6, 3): 50,
    (3, 4, 23, 3): 101,
    (3, 8, 36, 3): 152,
}

#: Convolutions of block {i} of our ``RefineNetHead``, and their released names. Ours
#: counts blocks from the finest, i = 0, the released code from the coarsest, j = 1.
DECODER_BLOCK = {
    'blocks.{i}.reduce.conv': 'p_ims1d2_outl{j}_dimred',
    'blocks.{i}.fuse.conv': 'adapt_stage{j}_b2_joint_varout_dimred',
    'blocks.{i}.to_finer.conv': 'mflow_conv_g{j}_b3_joint_varout_dimred',
    'blocks.{i}.pool.convs.0.conv': 'mflow_conv_g{j}_pool.0.1_outvar_dimred',
    'blocks.{i}.pool.convs.1.conv': 'mflow_conv_g{j}_pool.0.2_outvar_dimred',
    'blocks.{i}.pool.convs.2.conv': 'mflow_conv_g{j}_pool.0.3_outvar_dimred',
    'blocks.{i}.pool.convs.3.conv': 'mflow_conv_g{j}_pool.0.4_outvar_dimred',
    'blocks.{i}.adapt.0.conv1.conv': 'adapt_stage{j}_b.0.1_conv',
    'blocks.{i}.adapt.0.conv2.conv': 'adapt_stage{j}_b.0.1_conv_relu_varout_dimred',
    'blocks.{i}.adapt.1.conv1.conv': 'adapt_stage{j}_b.0.2_conv',
    'blocks.{i}.adapt.1.conv2.conv': 'adapt_stage{j}_b.0.2_conv_relu_varout_dimred',
    'blocks.{i}.refine.0.conv1.conv': 'mflow_conv_g{j}_b.0.1_conv',
    'blocks.{i}.refine.0.conv2.conv': 'mflow_conv_g{j}_b.0.1_conv_relu_varout_dimred',
    'blocks.{i}.refine.1.conv1.conv': 'mflow_conv_g{j}_b.0.2_conv',
    'blocks.{i}.refine.1.conv2.conv': 'mflow_conv_g{j}_b.0.2_conv_relu_varout_dimred',
    'blocks.{i}.refine.2.conv1.conv': 'mflow_conv_g{j}_b.0.3_conv',
    'blocks.{i}.refine.2.conv2.conv': 'mflow_conv_g{j}_b.0.3_conv_relu_varout_dimred',
}

_NETWORK = 'a CEN-RefineNet with a bottleneck ResNet and a norm-free decoder'

#: Tensors that may be absent: a shortcut has no convolution where the widths agree, and
#: torch < 0.4.1 did not count batches.
_OPTIONAL = r'\.downsample\.|\.num_batches_tracked$'


def from_released(checkpoint: Any) -> dict[str, Any]:
    """Convert a released checkpoint into one of ours.

    Args:
        checkpoint: ``{'segmenter': state_dict, ...}`` or a bare state dict, its names
            with or without the prefix ``module.``.

    Returns:
        ``state_dict``, and ``meta`` with settings of the model and further entries of
        the released file:

        - ``meta['model']``: settings to merge into the ``model`` of
          ``configs/cen/refinenet_r*_nyud.py``, see :func:`model_settings`.
        - ``meta['released']``: the further entries, for :func:`to_released`.

    Raises:
        ValueError: If the checkpoint has another origin, which the message names, or is
            incomplete.
    """
    released = state_dict_of(checkpoint)
    require_origin(released, RELEASED_SEGMENTATION)
    stem_norms = [n for n in released if re.fullmatch(r'bn1\.bn_\d+\.weight', n)]
    names = released_names(_blocks(released), len(stem_norms) or 1)
    require_names(released, names.values(), _NETWORK, _OPTIONAL)
    state = {
        name: join_copies([released[part] for part in parts])
        for name, parts in names.items()
        if parts[0] in released
    }
    rest = {'num_batches_tracked': _lost_counts(released, names)}
    rest |= {k: checkpoint[k] for k in ('epoch_start', 'best_val') if k in checkpoint}
    return {
        'state_dict': state,
        'meta': {'model': model_settings(state), 'released': rest},
    }


def to_released(checkpoint: Any) -> dict[str, Any]:
    """Convert a CEN-RefineNet of ours into a checkpoint for the released code.

    The released code runs it with ``exchange_scope='all'`` and
    ``rectify_residual=True``, whatever it was trained with.

    Args:
        checkpoint: ``{'state_dict': state_dict, ...}`` or a bare state dict.

    Returns:
        ``{'segmenter': state_dict, ...}``, names with the prefix ``module.``. The
        inverse of :func:`from_released`.

    Raises:
        ValueError: If the checkpoint has another origin, which the message names, or
            has layers that the released network lacks.
    """
    state = state_dict_of(checkpoint)
    require_origin(state, OURS)
    num_modalities = state['decode_head.alpha_logits'].numel()
    names = released_names(_blocks(state, 'backbone.'), num_modalities)
    require_names(state, ([name] for name in names), _NETWORK, _OPTIONAL)
    released = {
        part: tensor
        for name, parts in names.items()
        if name in state
        for part, tensor in zip(
            parts, split_copies(state[name], len(parts)), strict=True
        )
    }
    rest = dict(checkpoint.get('meta', {}).get('released', {}))
    for name, count in rest.pop('num_batches_tracked', {}).items():
        released[name] = torch.full_like(released[name], count)
    return {
        'segmenter': {f'module.{name}': value for name, value in released.items()},
        **rest,
    }


def model_settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Settings of the ``model`` that fits a converted state dict, in our names.

    Two settings follow from the released code, not from the tensors:
    ``exchange_scope='all'`` and ``rectify_residual=True``.
    """
    stem = state['backbone.conv1.weight']
    classifier = state['decode_head.head.conv_seg.weight']
    reduce = [
        state[f'decode_head.head.blocks.{i}.reduce.conv.weight'] for i in range(4)
    ]
    return {
        'backbone': {
            'depth': DEPTHS[_blocks(state, 'backbone.')],
            'num_modalities': state['decode_head.alpha_logits'].numel(),
            'exchange_scope': 'all',
            'in_channels': stem.shape[1],
            'stem_channels': stem.shape[0],
            'base_channels': state['backbone.layer1.0.conv1.weight'].shape[0],
        },
        'decode_head': {
            'head': {
                'in_channels': [weight.shape[1] for weight in reduce],
                'channels': classifier.shape[1],
                'num_classes': classifier.shape[0],
                'rectify_residual': True,
            },
        },
    }


def released_names(blocks: Sequence[int], num_modalities: int) -> dict[str, list[str]]:
    """The released names of each tensor of ours: M for a private norm, else one.

    Args:
        blocks: Number of residual blocks in each stage of the ResNet.
        num_modalities: Number of modalities M.
    """
    names = {'decode_head.alpha_logits': ['alpha']}
    convs, norms = _encoder_layers(blocks)
    for layer in convs:
        names[f'backbone.{layer}.weight'] = [f'{layer}.module.weight']
    # One modality has plain norms.
    private = '' if num_modalities == 1 else 'norm.'
    for layer in norms:
        for tensor in NORM_TENSORS:
            names[f'backbone.{layer}.{private}{tensor}'] = [
                f'{layer}.bn_{m}.{tensor}' for m in range(num_modalities)
            ]
    for layer, released in _decoder_layers().items():
        names[f'decode_head.head.{layer}.weight'] = [f'{released}.module.weight']
        if released.endswith('_conv'):  # the others have no bias
            names[f'decode_head.head.{layer}.bias'] = [f'{released}.module.bias']
    return names


def _encoder_layers(blocks: Sequence[int]) -> tuple[list[str], list[str]]:
    """Convolutions and norms of a bottleneck ResNet, named alike in both networks."""
    convs, norms = ['conv1'], ['bn1']
    for stage, count in enumerate(blocks, start=1):
        for block in (f'layer{stage}.{i}' for i in range(count)):
            convs += [f'{block}.conv{i}' for i in (1, 2, 3)]
            norms += [f'{block}.bn{i}' for i in (1, 2, 3)]
        convs.append(f'layer{stage}.0.downsample.0')
        norms.append(f'layer{stage}.0.downsample.1')
    return convs, norms


def _decoder_layers() -> dict[str, str]:
    """The released name of each convolution of our ``RefineNetHead``."""
    layers = {'conv_seg': 'clf_conv'}
    for i, j in ((3, 1), (2, 2), (1, 3), (0, 4)):
        block = dict(DECODER_BLOCK)
        if i == 3:  # the coarsest block has nothing to fuse
            del block['blocks.{i}.fuse.conv']
        if i == 0:
            del block['blocks.{i}.to_finer.conv']
        layers |= {ours.format(i=i): name.format(j=j) for ours, name in block.items()}
    return layers


def _lost_counts(
    released: Mapping[str, Tensor], names: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Numbers of batches, by released name, that :func:`join_copies` does not keep.

    A trained checkpoint has none of them: its modalities saw the same batches.
    """
    return {
        part: int(released[part])
        for name, parts in names.items()
        if name.endswith('num_batches_tracked') and parts[0] in released
        for part in parts
        if released[part] != released[parts[0]]
    }


def _blocks(state: Mapping[str, Tensor], prefix: str = '') -> tuple[int, ...]:
    """Number of residual blocks in each of the four stages.

    Raises:
        ValueError: If no bottleneck ResNet has these numbers.
    """
    pattern = re.compile(re.escape(prefix) + r'layer([1-4])\.(\d+)\.')
    found = {match.groups() for match in map(pattern.match, state) if match}
    blocks = tuple(sum(stage == s for stage, _ in found) for s in '1234')
    if blocks not in DEPTHS:
        raise ValueError(
            f'the encoder must be a ResNet of depth {list(DEPTHS.values())}, got '
            f'{blocks} residual blocks in its stages: choose a checkpoint of such a '
            f'depth'
        )
    return blocks
