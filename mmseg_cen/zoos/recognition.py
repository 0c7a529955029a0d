"""Which package a file is from, told by the names of its tensors."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from mmseg_cen.streams.state import first_names

from .attention import MIT, SWIN
from .convnext import CONVNEXT
from .mobile import MOBILENET_V2, MOBILENET_V3
from .residual import HRNET, RESNET
from .scheme import Scheme

SCHEMES: tuple[Scheme, ...] = (
    *RESNET, *HRNET, *MOBILENET_V2, *MOBILENET_V3, *CONVNEXT, *SWIN, *MIT,
)  # fmt: skip

_FAMILIES = {scheme.family for scheme in SCHEMES}

#: Under which names checkpoints hold a state dict, the likeliest first.
_KEYS = ('state_dict', 'model', 'model_state_dict', 'state_dict_ema', 'model_ema')

#: Those of averages of the weights of a training.
_AVERAGES = ('state_dict_ema', 'model_ema')

#: What wrappers put before the names of a backbone, one or several of them.
_PREFIXES = (
    'module.', '_orig_mod.', 'backbone.bottom_up.', 'backbone.', 'model.',
    'timm_model.',
)  # fmt: skip

#: Counters that wrappers which average weights have beside the network.
_COUNTERS = {'n_averaged', 'steps'}


class Recognized(NamedTuple):
    """A file whose names are known.

    Attributes:
        scheme: Its names.
        state: Its tensors, without prefixes and other parts of a model.
        left_out: Names of tensors of other parts of the model, such as heads.
    """

    scheme: Scheme
    state: dict[str, Tensor]
    left_out: list[str]


def tensors_of(checkpoint: Any) -> dict[str, Tensor]:
    """The state dict within a checkpoint of any package.

    Raises:
        ValueError: If there is none.
    """
    state = checkpoint
    for key in _KEYS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    values = list(state.values()) if isinstance(state, Mapping) else []
    if not any(isinstance(value, Tensor) for value in values):
        found = f'a {type(state).__name__}'
        if isinstance(state, Mapping):
            found += f' with {first_names(list(state)) or "nothing"}'
        raise ValueError(
            f'the file must hold a state dict, alone or under one of {_KEYS}, got '
            f'{found}: save the state_dict() of the model'
        )
    return {
        str(name): value for name, value in state.items() if isinstance(value, Tensor)
    }


def averages_beside(checkpoint: Any) -> list[str]:
    """Under which names a checkpoint holds averaged weights that are not taken."""
    held = [
        key
        for key in _KEYS
        if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get(key), Mapping)
    ]
    return [key for key in held[1:] if key in _AVERAGES]


def recognize(
    state: Mapping[str, Tensor], families: Sequence[str], wanted: Sequence[str]
) -> Recognized:
    """Find out which package has given the tensors of a backbone their names.

    Args:
        state: The tensors of a file.
        families: Names of the class of the network, and of its base classes.
        wanted: Names of the tensors of the network, in the toolbox.

    Raises:
        ValueError: If the file is of another family, or its names are not known.
    """
    found, left_out = _backbone_of(state, wanted)
    fitting = [scheme for scheme in SCHEMES if scheme.fits(list(found))]
    for scheme in fitting:
        if scheme.family in families:
            return Recognized(scheme, found, left_out)
    if found.keys() & {*wanted}:
        own = Scheme('the toolbox or mmpretrain', families[0], (), (), r'^(head|fc)\.')
        return Recognized(own, found, left_out)
    what = f'names that are not known ({first_names(list(found))})'
    remedy = f'give a file of {_known(families)}'
    if fitting:
        what = f'weights of a {fitting[0].family}, in the names of {fitting[0].package}'
        remedy = 'choose a config with this backbone, or another file'
    family = next((f for f in families if f in _FAMILIES), families[0])
    raise ValueError(f'the file must hold weights of a {family}, got {what}: {remedy}')


def _backbone_of(
    state: Mapping[str, Tensor], wanted: Sequence[str]
) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of a backbone without prefixes, and names of all others."""
    left_out: list[str] = []
    found = {name: state[name] for name in state if name not in _COUNTERS}
    # Some backbones hold their network under one of these names themselves.
    prefixes = [p for p in _PREFIXES if not any(name.startswith(p) for name in wanted)]
    while True:
        for prefix in prefixes:
            inner = {
                n[len(prefix) :]: t for n, t in found.items() if n.startswith(prefix)
            }
            if inner and (prefix.startswith('backbone.') or len(inner) == len(found)):
                left_out += [name for name in found if not name.startswith(prefix)]
                found = inner
                break
        else:
            return found, left_out


def _known(families: Sequence[str]) -> str:
    """The packages whose names are known for a family."""
    packages = [s.package for s in SCHEMES if s.family in families]
    return ', '.join(dict.fromkeys([*packages, 'mmpretrain or the toolbox']))
