"""Checkpoints of the released CEN segmentation code, in its names and in ours.

The released network is a CEN-RefineNet with a bottleneck ResNet. Unlike ours, it keeps
the private norms of M modalities as M layers ``bn_0``, ``bn_1``, ...; here they are one
layer over M*C channels. The convolutions are the same tensors under other names.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmseg_cen.streams.state import first_names

from .checkpoint import join_copies, split_copies, state_dict_of

#: Blocks in each stage of the bottleneck ResNets, and their depth.
DEPTHS: dict[tuple[int, ...], int] = {
    (3, 4, 6, 3): 50,
    (3, 4, 23, 3): 101,
    (3, 8, 36, 3): 152,
}

#: Tensors that may be absent: a shortcut has no convolution where the widths agree, and
#: torch < 0.4.1 did not count batches.
_OPTIONAL = re.compile(r'\.downsample\.|\.num_batches_tracked$')


class _Kind(NamedTuple):
    """A kind of checkpoint: how its names give it away, and what to do with it."""

    names: str
    what: str
    advice: str


_RELEASED = _Kind(
    r'^p_ims1d2_outl1_dimred\.module\.',
    'a checkpoint of the released CEN segmentation code',
    'convert it without --reverse',
)
_OURS = _Kind(
    r'^decode_head\.alpha_logits$',
    'a checkpoint of this package',
    'test it as it is, or convert it back with --reverse',
)
_TRANSLATION = _Kind(
    r'(^|\.)(insnorm|deconv\d)',
    'a checkpoint of the released image translation code',
    'convert it with tools/model_converters/released_pix2pix.py',
)
_MMSEG = _Kind(
    r'^(backbone|decode_head)\.',
    'a model of mmsegmentation',
    'test it as it is, with the config that it was trained with',
)
_RESNET = _Kind(
    r'^(fc|layer1\.0\.conv1)\.weight$',
    'an ImageNet ResNet',
    "load it with model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)",
)
_KINDS = (_RELEASED, _OURS, _MMSEG, _TRANSLATION, _RESNET)


def from_released(checkpoint: Any) -> dict[str, Any]:
    """Convert a released checkpoint into one of ours.

    Args:
        checkpoint: ``{'segmenter': state_dict, ...}`` or a bare state dict, its names
            with or without the prefix ``module.``.

    Returns:
        ``state_dict``, and ``meta`` with what the tensors tell of the model and the
        remaining entries of the released file:

        - ``meta['model']``: settings to merge into the ``model`` of
          ``configs/cen/refinenet_r*_nyud.py``, see :func:`model_settings`.
        - ``meta['released']``: for :func:`to_released`.

    Raises:
        ValueError: It is something else, which the message names, or incomplete.
    """
    released = state_dict_of(checkpoint)
    _require(_RELEASED, released)
    stem_norms = [n for n in released if re.fullmatch(r'bn1\.bn_\d+\.weight', n)]
    names = released_names(_blocks(released), len(stem_norms) or 1)
    _require_names(released, names.values())
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
        ValueError: It is something else, which the message names, or has layers that
            the released network has not.
    """
    state = state_dict_of(checkpoint)
    _require(_OURS, state)
    num_modalities = state['decode_head.alpha_logits'].numel()
    names = released_names(_blocks(state, 'backbone.'), num_modalities)
    _require_names(state, ([name] for name in names))
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
    """Settings of the ``model`` that a converted state dict, in our names, fits.

    Two of them are not in the tensors but in what the released code does with them:
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
    """The released names of each tensor of ours: M of a private norm, else one.

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
        for tensor in (
            'weight',
            'bias',
            'running_mean',
            'running_var',
            'num_batches_tracked',
        ):
            names[f'backbone.{layer}.{private}{tensor}'] = [
                f'{layer}.bn_{m}.{tensor}' for m in range(num_modalities)
            ]
    for layer, released in _decoder_layers().items():
        names[f'decode_head.head.{layer}.weight'] = [f'{released}.module.weight']
        if released.endswith('_conv'):  # the others have no bias
            names[f'decode_head.head.{layer}.bias'] = [f'{released}.module.bias']
    return names


def _encoder_layers(blocks: Sequence[int]) -> tuple[list[str], list[str]]:
    """Convolutions and norms of a bottleneck ResNet: named alike in both networks."""
    convs, norms = ['conv1'], ['bn1']
    for stage, count in enumerate(blocks, start=1):
        for block in (f'layer{stage}.{i}' for i in range(count)):
            convs += [f'{block}.conv{i}' for i in (1, 2, 3)]
            norms += [f'{block}.bn{i}' for i in (1, 2, 3)]
        convs.append(f'layer{stage}.0.downsample.0')
        norms.append(f'layer{stage}.0.downsample.1')
    return convs, norms


def _decoder_layers() -> dict[str, str]:
    """The released name of each convolution of our ``RefineNetHead``.

    Ours counts from 0 and from the finest stage, the released code from 1 and from the
    coarsest.
    """
    layers = {'conv_seg': 'clf_conv'}
    for level, ours in enumerate(f'blocks.{i}' for i in (3, 2, 1, 0)):
        j = level + 1
        layers[f'{ours}.reduce.conv'] = f'p_ims1d2_outl{j}_dimred'
        if j > 1:
            layers[f'{ours}.fuse.conv'] = f'adapt_stage{j}_b2_joint_varout_dimred'
        if j < 4:
            layers[f'{ours}.to_finer.conv'] = f'mflow_conv_g{j}_b3_joint_varout_dimred'
        for unit in range(4):
            pool = f'mflow_conv_g{j}_pool.0.{unit + 1}'
            layers[f'{ours}.pool.convs.{unit}.conv'] = f'{pool}_outvar_dimred'
        for part, units, released in (
            ('adapt', 2, f'adapt_stage{j}_b'),
            ('refine', 3, f'mflow_conv_g{j}_b'),
        ):
            for unit in range(units):
                conv = f'{released}.0.{unit + 1}_conv'
                layers[f'{ours}.{part}.{unit}.conv1.conv'] = conv
                layers[f'{ours}.{part}.{unit}.conv2.conv'] = (
                    f'{conv}_relu_varout_dimred'
                )
    return layers


def _lost_counts(
    released: Mapping[str, Tensor], names: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Numbers of batches, by released name, that :func:`join_copies` does not keep.

    None in a checkpoint that was really trained: its modalities saw the same batches.
    """
    return {
        part: int(released[part])
        for name, parts in names.items()
        if name.endswith('num_batches_tracked') and parts[0] in released
        for part in parts
        if released[part] != released[parts[0]]
    }


def _require(wanted: _Kind, state: Mapping[str, Tensor]) -> None:
    for kind in _KINDS:
        if any(re.search(kind.names, name) for name in state):
            if kind is wanted:
                return
            found = f'it looks like {kind.what}: {kind.advice}'
            break
    else:
        found = f'its names ({first_names(list(state))}) are unknown: give another file'
    raise ValueError(f'this is not {wanted.what}; {found}')


def _blocks(state: Mapping[str, Tensor], prefix: str = '') -> tuple[int, ...]:
    """Number of residual blocks in each of the four stages.

    Raises:
        ValueError: No bottleneck ResNet has these numbers.
    """
    pattern = re.compile(re.escape(prefix) + r'layer([1-4])\.(\d+)\.')
    found = {match.groups() for match in map(pattern.match, state) if match}
    blocks = tuple(sum(stage == s for stage, _ in found) for s in '1234')
    if blocks not in DEPTHS:
        raise ValueError(
            f'the encoder is a ResNet of depth {list(DEPTHS.values())}, but the '
            f'checkpoint has {blocks} residual blocks in its stages; no other depth '
            f'can be converted'
        )
    return blocks


def _require_names(
    state: Mapping[str, Tensor], groups: Iterable[Sequence[str]]
) -> None:
    """Check that ``state`` has these tensors, each group as a whole, and no others."""
    missing: list[str] = []
    expected: set[str] = set()
    for group in groups:
        absent = [name for name in group if name not in state]
        expected.update(group)
        if len(absent) < len(group) or not _OPTIONAL.search(group[0]):
            missing += absent
    unexpected = [name for name in state if name not in expected]
    parts = [
        f'{len(names)} tensors {what} ({first_names(names)})'
        for what, names in (('are missing', missing), ('are unknown', unexpected))
        if names
    ]
    if parts:
        raise ValueError(
            f'the checkpoint is not that of a CEN-RefineNet with a bottleneck ResNet '
            f'and a norm-free decoder: {" and ".join(parts)}; give a complete file'
        )
