"""Checkpoint files: what they hold, where they come from, whether they are complete."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmseg_cen.streams.state import first_names

#: Tensors of a norm layer with running statistics.
NORM_TENSORS = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')

#: Tensors that old checkpoints lack: torch < 0.4.1 did not count batches.
COUNTERS = r'\.num_batches_tracked$'


class CheckpointOrigin(NamedTuple):
    """Where a checkpoint comes from, told by the names of its tensors.

    Attributes:
        names: Regular expression that some names match.
        description: The origin, for messages.
        advice: What to do with such a checkpoint.
    """

    names: str
    description: str
    advice: str


RELEASED_SEGMENTATION = CheckpointOrigin(
    r'^p_ims1d2_outl1_dimred\.module\.',
    'a checkpoint of the released CEN segmentation code',
    'convert it without --reverse',
)
RELEASED_TOKENFUSION = CheckpointOrigin(
    r'^encoder\.score_predictor\.',
    'a checkpoint of the released TokenFusion segmentation code',
    'convert it with tools/model_converters/released_tokenfusion.py',
)
OURS = CheckpointOrigin(
    r'^decode_head\.alpha_logits$',
    'a checkpoint of this package',
    'test it as it is, or convert it back with --reverse',
)
RELEASED_TRANSLATION = CheckpointOrigin(
    r'(^|\.)(insnorm|deconv\d)',
    'a checkpoint of the released image translation code',
    'convert it with tools/model_converters/released_pix2pix.py',
)
MMSEG = CheckpointOrigin(
    r'^(backbone|decode_head)\.',
    'a model of mmsegmentation',
    'test it as it is, with the config that it was trained with',
)
IMAGENET = CheckpointOrigin(
    r'^(fc|layer1\.0\.conv1)\.weight$',
    'an ImageNet ResNet',
    "load it with model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)",
)

#: The known origins; names of an earlier one decide.
ORIGINS = (
    RELEASED_SEGMENTATION,
    RELEASED_TOKENFUSION,
    OURS,
    MMSEG,
    RELEASED_TRANSLATION,
    IMAGENET,
)


def state_dict_of(checkpoint: Any) -> dict[str, Tensor]:
    """The tensors of a checkpoint, without the prefix of (Distributed)DataParallel.

    Raises:
        ValueError: If it holds no tensors, or other entries besides.
    """
    state = checkpoint
    for key in ('segmenter', 'state_dict', 'model'):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not state:
        raise ValueError(
            f'a checkpoint must be a non-empty dict of named tensors, got '
            f'{type(state).__name__}: give the file that the training saved'
        )
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise ValueError(
            f'a state dict must hold tensors only, got other entries '
            f'({first_names(others)}): give the file that the training saved'
        )
    return {str(name).removeprefix('module.'): value for name, value in state.items()}


def require_origin(state: Mapping[str, Tensor], wanted: CheckpointOrigin) -> None:
    """Raise a ValueError, with advice, unless a state dict has the wanted origin."""
    for origin in ORIGINS:
        if any(re.search(origin.names, name) for name in state):
            if origin is wanted:
                return
            found, advice = f'what looks like {origin.description}', origin.advice
            break
    else:
        found = f'a file with unknown names ({first_names(list(state))})'
        advice = 'give another file'
    raise ValueError(f'the file must be {wanted.description}, got {found}: {advice}')


def require_names(
    state: Mapping[str, Tensor],
    groups: Iterable[Sequence[str]],
    network: str,
    optional: str = COUNTERS,
    ignored: Container[str] = (),
) -> None:
    """Raise a ValueError unless a state dict has all tensors of a network, and no more.

    Args:
        state: The state dict.
        groups: Names of the tensors of the network. Names of a group belong together:
            a state dict has all of them or none.
        network: Name of the network, for the message.
        optional: Regular expression of groups that may be absent.
        ignored: Names that a state dict may have besides.
    """
    missing: list[str] = []
    expected: set[str] = set()
    for group in groups:
        absent = [name for name in group if name not in state]
        expected.update(group)
        if len(absent) < len(group) or not re.search(optional, group[0]):
            missing += absent
    unexpected = [n for n in state if n not in expected and n not in ignored]
    parts = [
        f'{len(names)} tensors {what} ({first_names(names)})'
        for what, names in (('are missing', missing), ('are unknown', unexpected))
        if names
    ]
    if parts:
        raise ValueError(
            f'the checkpoint must be of {network}, got one where '
            f'{" and ".join(parts)}: give a complete file'
        )


def join_copies(parts: Sequence[Tensor]) -> Tensor:
    """M private tensors -> one; of M counts, the first."""
    return torch.cat(list(parts)) if parts[0].ndim else parts[0]


def split_copies(tensor: Tensor, count: int) -> list[Tensor]:
    """One tensor -> ``count`` private ones, the inverse of :func:`join_copies`."""
    if not tensor.ndim:
        return [tensor] * count
    return [part.clone() for part in tensor.chunk(count)]
