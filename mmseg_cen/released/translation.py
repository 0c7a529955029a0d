"""Checkpoints of the released CEN image translation code, in its names and in ours.

The released code saves the state dicts of the generator and of the discriminator as two
bare files; a checkpoint of ours holds both networks. The released generator has private
norms in the decoder, too. Some of its norms are never used: in the first and the last
layer of the encoder, and in the last layer of the decoder. The discriminator has norms
in its first and last layer that are never used.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmseg_cen.streams.state import first_names

from .checkpoint import (
    NORM_TENSORS,
    join_copies,
    require_names,
    split_copies,
    state_dict_of,
)


def from_released(generator: Any, discriminator: Any = None) -> dict[str, Any]:
    """Convert a released generator, and its discriminator, into a checkpoint of ours.

    Args:
        generator: State dict, its names with or without the prefix ``module.``.
        discriminator: Likewise; without it, the checkpoint is for testing only.

    Returns:
        ``state_dict``, and ``meta``:

        - ``meta['model']``: settings to merge into the ``model`` of a translation
          config, see :func:`model_settings`.
        - ``meta['released']``: tensors that the released networks never use, for
          :func:`to_released`.

    Raises:
        ValueError: If a state dict is of another network, or incomplete; the tensors
            are named.
    """
    state: dict[str, Tensor] = {}
    rest: dict[str, dict[str, Tensor]] = {}
    for part, checkpoint in (
        ('generator', generator),
        ('discriminator', discriminator),
    ):
        if checkpoint is None:
            continue
        released = state_dict_of(checkpoint)
        names, unused = _layout(part, released)
        single = [[name] for copies in names.values() for name in copies]
        require_names(released, single, _network(part), ignored=unused)
        for name, copies in names.items():
            tensors = [released[copy] for copy in copies if copy in released]
            if len({tensor.shape for tensor in tensors}) > 1:
                raise ValueError(
                    f'the copies of a norm must have one shape in all modalities, got '
                    f'{first_names(copies)}, which differ: give the file that the '
                    f'training saved'
                )
            if tensors:
                state[f'{part}.{name}'] = join_copies(tensors)
        rest[part] = {name: released[name] for name in unused if name in released}
    return {
        'state_dict': state,
        'meta': {'model': model_settings(state), 'released': rest},
    }


def to_released(checkpoint: Any) -> list[dict[str, Tensor]]:
    """Convert a checkpoint of ours into files for the released code.

    The released code exchanges any channel, between two sources, whatever the network
    was trained with. Tensors that the released networks never use are the ones that
    :func:`from_released` kept, or new.

    Args:
        checkpoint: ``{'state_dict': state_dict, ...}`` or a bare state dict, its norms
            private in encoder and decoder.

    Returns:
        State dict of the generator and, if there is one, of the discriminator. The
        inverse of :func:`from_released`.

    Raises:
        ValueError: If the checkpoint is of another network, or has other layers than
            the released networks; the tensors are named.
    """
    state = state_dict_of(checkpoint)
    meta = checkpoint.get('meta')
    rest = meta.get('released', {}) if isinstance(meta, Mapping) else {}
    released = []
    for part in ('generator', 'discriminator'):
        own = {
            name.removeprefix(f'{part}.'): tensor
            for name, tensor in state.items()
            if name.startswith(f'{part}.')
        }
        if not own and part == 'discriminator':
            continue
        names, unused = _layout(part, own)
        require_names(own, ([name] for name in names), _network(part))
        tensors: dict[str, Tensor] = {}
        for name, copies in names.items():
            if name in own:
                parts = split_copies(own[name], len(copies))
                tensors |= dict(zip(copies, parts, strict=True))
        new = {name: _new_tensor(name, tensors) for name in unused}
        released.append(tensors | new | rest.get(part, {}))
    return released


def model_settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Settings of the ``model`` that fits a converted state dict, in our names.

    ``exchange_scope='all'`` follows from the released code, not from the tensors.
    """
    convs = [n for n in state if re.match(r'generator\.encoder\.conv\d+\.conv\.w', n)]
    layers = [n for n in state if re.match(r'discriminator\..*\.conv\.weight', n)]
    first = state['generator.encoder.conv1.conv.weight']
    last = state[f'generator.decoder.deconv{len(convs)}.conv.weight']
    settings: dict[str, Any] = {
        'generator': {
            'type': 'CENUNet',
            'num_modalities': state['generator.alpha_logits'].numel(),
            'in_channels': first.shape[1],
            'out_channels': last.shape[1],
            'num_downs': len(convs),
            'base_channels': first.shape[0],
            'exchange_scope': 'all',
            'decoder_norms': 'private',
        },
        'discriminator': None,
    }
    if layers:
        first = state['discriminator.layers.conv1.conv.weight']
        settings['discriminator'] = {
            'type': 'PatchDiscriminator',
            'in_channels': first.shape[1],
            'base_channels': first.shape[0],
            'num_strided': len(layers) - 2,
        }
    return settings


def generator_names(num_downs: int, num_modalities: int) -> dict[str, list[str]]:
    """The released names of each tensor of a CENUNet: M for a private norm, else one.

    Args:
        num_downs: Layers n of the encoder and of the decoder.
        num_modalities: Number of modalities M.
    """
    names = {'alpha_logits': ['alpha']}
    # One modality has plain norms.
    private = '' if num_modalities == 1 else 'norm.'
    for part, conv in (('encoder', 'conv'), ('decoder', 'deconv')):
        for i in range(1, num_downs + 1):
            layer = f'{part}.{conv}{i}'
            for tensor in ('weight', 'bias'):
                names[f'{layer}.conv.{tensor}'] = [f'{conv}{i}.{conv}.module.{tensor}']
            if i == num_downs or (conv == 'conv' and i == 1):
                continue
            for tensor in NORM_TENSORS:
                names[f'{layer}.norm.{private}{tensor}'] = [
                    f'{conv}{i}.insnorm_{conv}.insnorm_{m}.{tensor}'
                    for m in range(num_modalities)
                ]
    return names


def discriminator_names(num_layers: int) -> dict[str, list[str]]:
    """The released name of each tensor of a PatchDiscriminator."""
    names = {}
    for i in range(1, num_layers + 1):
        for tensor in ('weight', 'bias'):
            names[f'layers.conv{i}.conv.{tensor}'] = [f'conv{i}.conv.module.{tensor}']
        if 1 < i < num_layers:
            for tensor in NORM_TENSORS:
                names[f'layers.conv{i}.norm.{tensor}'] = [
                    f'conv{i}.insnorm.module.{tensor}'
                ]
    return names


def _layout(
    part: str, state: Mapping[str, Tensor]
) -> tuple[dict[str, list[str]], list[str]]:
    """The released names of each tensor of ours, and of norms that are never used.

    Args:
        part: ``'generator'`` or ``'discriminator'``.
        state: A state dict of this network, in the released names or in ours.

    Raises:
        ValueError: If the state dict is of another network.
    """
    pattern = r'(?:(?:encoder|layers)\.)?conv(\d+)\.conv\.(?:module\.)?weight'
    count = sum(bool(re.fullmatch(pattern, name)) for name in state)
    alpha = state.get('alpha', state.get('alpha_logits'))
    if count < 3 or (alpha is not None) != (part == 'generator'):
        raise ValueError(
            f'the file must be the {part} of an image translation network, got the '
            f'names {first_names(list(state))}: give the file that its training saved'
        )
    if alpha is None:
        norms = [f'conv{i}.insnorm.module' for i in (1, count)]
        names = discriminator_names(count)
    else:
        layers = [('conv', 1), ('conv', count), ('deconv', count)]
        norms = [
            f'{conv}{i}.insnorm_{conv}.insnorm_{m}'
            for conv, i in layers
            for m in range(alpha.numel())
        ]
        names = generator_names(count, alpha.numel())
    return names, [f'{norm}.{tensor}' for norm in norms for tensor in NORM_TENSORS]


def _network(part: str) -> str:
    networks = {
        'generator': 'a U-Net with private norms',
        'discriminator': 'a PatchGAN',
    }
    return f'a {part} of the released image translation code, {networks[part]}'


def _new_tensor(name: str, tensors: Mapping[str, Tensor]) -> Tensor:
    """A tensor of an untrained norm, of the channels of its layer."""
    layer, rest = name.split('.', 1)
    conv = layer.rstrip('0123456789')
    like = tensors[f'{layer}.{conv}.module.bias']
    tensor = rest.rsplit('.', 1)[1]
    if tensor == 'num_batches_tracked':
        return torch.tensor(0)
    value = 1.0 if tensor in ('weight', 'running_var') else 0.0
    return torch.full_like(like, value)
