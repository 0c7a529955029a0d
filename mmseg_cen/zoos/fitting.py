"""Tensors of a package, fitted into the network of a config, or refused by name."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mmseg_cen.streams.state import tensor_shapes

from .scheme import Scheme, join_parts, shifted

#: What each output of a transformer goes through; a classifier has only the last.
_OUTPUT_NORM = r'^norm\d\.(weight|bias)$'
#: Buffers that a network computes itself, and counters.
_OWN_BUFFERS = r'(relative_position_index|num_batches_tracked)$'
#: The norm behind a convolution, by the name of the convolution.
_NORM_OF = (
    (r'(^|\.)conv(\d)$', r'\1bn\2'),
    (r'\.conv$', '.bn'),
    (r'(?<=^stem\.)(\d)$|(?<=downsample\.)(\d)$', lambda f: str(int(f[0]) + 1)),
)
#: The default of torch for what a batch norm adds to the variance.
_EPS = 1e-5


class Misfit(NamedTuple):
    """A tensor that differs; None: there is none of this name.

    Attributes:
        name: Its name in the toolbox.
        given: Its shape in the file.
        wanted: Its shape in the network.
    """

    name: str
    given: tuple[int, ...] | None
    wanted: tuple[int, ...] | None

    def __str__(self) -> str:
        return (
            f'{self.name}: {_shape(self.given)} in the file, {_shape(self.wanted)} in '
            f'the network'
        )


def _shape(shape: tuple[int, ...] | None) -> str:
    return 'none' if shape is None else str(shape)


class Fit(NamedTuple):
    """What has become of the tensors of a file.

    Attributes:
        state: Tensors by their names in the toolbox; all of those of the network, if
            there are no misfits.
        misfits: What does not fit, in the order of the network.
        dropped: Names of the file that no backbone has, and of stages that the network
            does not have.
        remarks: What was made of what the file does not hold.
    """

    state: dict[str, Tensor]
    misfits: list[Misfit]
    dropped: list[str]
    remarks: list[str]


def fit(
    state: Mapping[str, Tensor], scheme: Scheme, network: Mapping[str, Tensor]
) -> Fit:
    """Rename the tensors of a package, and compare them with those of a network.

    Args:
        state: Tensors by their names in the package.
        scheme: The names of the package.
        network: The state dict of the unimodal network.

    Returns:
        The tensors, in single precision whatever the file has, and what differs.

    Raises:
        ValueError: If two tensors of the file are the same one of the network.
    """
    dropped = [name for name in state if re.search(scheme.dropped, name)]
    renamed = _renamed({n: t for n, t in state.items() if n not in dropped}, scheme)
    found = {
        name: torch.cat(parts) if len(parts) > 1 else parts[0]
        for name, parts in join_parts(renamed).items()
    }
    if scheme.finish:
        found = {name: scheme.finish(name, tensor) for name, tensor in found.items()}
    found = _count_first_shortcut(found, network)
    remarks = _complete_norms(found, network, scheme.bare_norms)
    for name in [name for name in found if _is_beyond(name, network)]:
        dropped.append(name)
        del found[name]
    for name, tensor in network.items():
        if name in found and found[name].shape != tensor.shape:
            found[name] = _reshaped(found[name], tensor)
        elif name not in found and re.search(_OWN_BUFFERS, name):
            found[name] = tensor.clone()
    if absent := [n for n in network if n not in found and re.match(_OUTPUT_NORM, n)]:
        for name in absent:
            full = torch.ones_like if name.endswith('weight') else torch.zeros_like
            found[name] = full(network[name])
        norms = sorted({name.partition('.')[0] for name in absent})
        remarks.append(f'{", ".join(norms)} are not in the file: they start as 1 and 0')
    return Fit(found, _misfits(found, network), dropped, remarks)


def _renamed(state: Mapping[str, Tensor], scheme: Scheme) -> dict[str, Tensor]:
    """Tensors by their names in the toolbox; half precision would round sums of them.

    Raises:
        ValueError: If two have one name.
    """
    origins: dict[str, str] = {}
    for name in state:
        other = origins.setdefault(scheme.rename(name), name)
        if other != name:
            raise ValueError(
                f'each tensor of the network must be in the file once, got {other} and '
                f'{name}, which both are {scheme.rename(name)}: leave one of them out'
            )
    tensors = {ours: state[name].detach() for ours, name in origins.items()}
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


def _misfits(
    found: Mapping[str, Tensor], network: Mapping[str, Tensor]
) -> list[Misfit]:
    given, wanted = tensor_shapes(found), tensor_shapes(network)
    return [
        Misfit(name, given.get(name), wanted.get(name))
        for name in {**wanted, **given}
        if given.get(name) != wanted.get(name)
    ]


def _is_beyond(name: str, network: Mapping[str, Tensor]) -> bool:
    """Whether a tensor is of a stage, or of the norm of one, that is not wanted."""
    top = name.partition('.')[0]
    has_top = any(other.startswith(f'{top}.') for other in network)
    return not has_top and bool(re.fullmatch(r'(layer|norm)\d+', top))


def _count_first_shortcut(
    found: Mapping[str, Tensor], network: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Count the pooling of stride 1 of a ResNet V1d, which mmpretrain leaves out.

    In the other stages, a shortcut without pooling is another one.
    """
    start = 'layer1.0.downsample.'
    if f'{start}2.weight' in found or f'{start}2.weight' not in network:
        return dict(found)
    counted = shifted(f'{start}{{}}.', 1)
    return {
        re.sub(rf'^{re.escape(start)}([01])\.', counted, name): tensor
        for name, tensor in found.items()
    }


def _reshaped(tensor: Tensor, wanted: Tensor) -> Tensor:
    """A linear layer as a 1x1 convolution, and a factor of each channel as a vector."""
    sizes = [[size for size in t.shape if size > 1] for t in (tensor, wanted)]
    return tensor.reshape(wanted.shape) if sizes[0] == sizes[1] else tensor


def _complete_norms(
    found: dict[str, Tensor], network: Mapping[str, Tensor], bare_norms: bool
) -> list[str]:
    """Add what batch norms lack whose statistics were folded into other tensors.

    Caffe has biases in convolutions before a norm; Detectron has norms without
    statistics; and inference engines have neither norms nor their factors.

    Args:
        found: Tensors by their names in the toolbox, changed in place.
        network: Those of the network.
        bare_norms: See :class:`Scheme`.

    Returns:
        What was done.
    """
    counts = dict.fromkeys(('biases', 'statistics', 'factors'), 0)
    biased = {
        norm: name
        for name in found
        if name.endswith('.bias') and name not in network
        for norm in [_norm_of(name.removesuffix('.bias'))]
        if f'{norm}.running_mean' in network
    }
    folded = [
        norm
        for norm in biased
        if not {f'{norm}.running_mean', f'{norm}.weight'} & found.keys()
    ]
    for norm in folded:
        found[f'{norm}.bias'] = found.pop(biased.pop(norm))
        found[f'{norm}.weight'] = torch.ones_like(found[f'{norm}.bias'])
        counts['factors'] += 1
    for name in [name for name in network if name.endswith('.running_var')]:
        norm = name.removesuffix('.running_var')
        has_factors = {f'{norm}.weight', f'{norm}.bias'} <= found.keys()
        has_statistics = bool({name, f'{norm}.running_mean'} & found.keys())
        if has_factors and not has_statistics and (bare_norms or norm in folded):
            found[name] = torch.full_like(found[f'{norm}.weight'], 1 - _EPS)
            found[f'{norm}.running_mean'] = torch.zeros_like(found[name])
            counts['statistics'] += 1
    for norm, name in biased.items():
        if f'{norm}.running_mean' in found:
            mean = found[f'{norm}.running_mean']
            found[f'{norm}.running_mean'] = mean - found.pop(name)
            counts['biases'] += 1
    remarks = {
        'biases': 'biases of {} convolutions are subtracted from the running means',
        'statistics': '{} norms have no running statistics: mean 0 and variance 1',
        'factors': '{} norms have no scaling factors, and start at 1: their weights '
        'say nothing about which channels matter, and norm_eval=True would keep them',
    }
    return [remarks[key].format(count) for key, count in counts.items() if count]


def _norm_of(conv: str) -> str:
    """The name of the norm behind a convolution."""
    return next((re.sub(p, r, conv) for p, r in _NORM_OF if re.search(p, conv)), conv)
