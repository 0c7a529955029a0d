"""Which private norm replaces a norm layer, of the toolbox, mmpretrain or timm."""

import copy
import math
import re
from typing import Any

import torch
from mmengine.model.utils import _BatchNormXd
from mmengine.utils.dl_utils.parrots_wrapper import SyncBatchNorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .copies import num_channels, pack_copies
from .layer_norm import ModalityLN, ModalityLN2d
from .norm import NORM_BASES, ModalityBN, ModalityGN, ModalityIN, ModalityNorm
from .norm_act import ModalityBNAct

#: Norm layers, and the private layers that replace them. Of subclasses only those
#: are converted that are known, or that compute what a LayerNorm or GroupNorm does.
PRIVATE_TYPES: dict[type[nn.Module], type[ModalityNorm]] = {
    nn.BatchNorm1d: ModalityBN,
    nn.BatchNorm2d: ModalityBN,
    nn.BatchNorm3d: ModalityBN,
    nn.SyncBatchNorm: ModalityBN,
    SyncBatchNorm: ModalityBN,  # what the toolbox builds for 'SyncBN'
    _BatchNormXd: ModalityBN,  # a reverted SyncBatchNorm
    nn.InstanceNorm1d: ModalityIN,
    nn.InstanceNorm2d: ModalityIN,
    nn.InstanceNorm3d: ModalityIN,
    nn.GroupNorm: ModalityGN,
    nn.LayerNorm: ModalityLN,
}


def _tensors(layer: nn.Module) -> list[Tensor]:
    return [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]


def _as(base: type[nn.Module], layer: nn.Module, ndim: int = 4, axis: int = -1) -> bool:
    """Whether ``layer`` computes what ``base``, which it extends, does along ``axis``.

    It is tried on inputs of ``ndim`` axes, of several orders of magnitude, in both
    modes, and with other tensors than those that it has.
    """
    tensors = dict([*layer.named_parameters(), *layer.named_buffers()])
    if not tensors.keys() <= {'weight', 'bias'} or layer.weight is None:
        return False  # there would be more to make private
    trial: Any = copy.deepcopy(layer).to_empty(device='cpu').double()
    C = num_channels(layer)
    sizes = [n for n in (2, 3, 5, 7) if n != C][: ndim - 1]
    with torch.no_grad(), torch.device('cpu'), torch.random.fork_rng(devices=[]):
        for i, parameter in enumerate(trial.parameters(), start=1):
            numbers = torch.arange(C, dtype=torch.float64).add(i)
            parameter.copy_(3 * numbers.cos().view_as(parameter))
        x = torch.arange(math.prod(sizes) * C).square().cos().double().view(*sizes, C)
        if base is nn.GroupNorm:
            x = x.movedim(-1, 1)
        try:
            return all(
                torch.allclose(
                    _forward(trial.train(mode), (scale * x).movedim(-1, axis)),
                    base.forward(trial, scale * x).movedim(-1, axis),
                    rtol=1e-4,
                    atol=1e-4,
                )
                for scale in (1e-3, 1, 1e3)
                for mode in (True, False)
            )
        except Exception:  # another signature or layout, or what it asks for of others
            return False


def _forward(layer: nn.Module, x: Tensor) -> Tensor:
    """What a layer computes, without its hooks, in the precision of ``x``."""
    return type(layer).forward(layer, x).to(x)


def private_type(layer: nn.Module) -> type[ModalityNorm] | None:
    """The private type of ``layer``, or None if it holds nothing to make private.

    Layers of timm that choose between kernels, and the ``LayerNorm2d`` of timm and
    mmpretrain, extend the layers of torch and are told by what they compute.
    """
    if not isinstance(layer, _BatchNorm) and not _tensors(layer):
        return None  # it has only the statistics of one sample, and so of one stream
    if isinstance(layer, nn.BatchNorm2d) and type(layer).__name__ == 'BatchNormAct2d':
        return ModalityBNAct  # of timm
    if type(layer) is nn.LayerNorm and len(layer.normalized_shape) > 1:
        return ModalityLN2d  # (C, 1, 1), others are refused
    if type(layer) in PRIVATE_TYPES:
        return PRIVATE_TYPES[type(layer)]
    if isinstance(layer, nn.LayerNorm):
        last = {_as(nn.LayerNorm, layer, ndim) for ndim in (3, 4)}
        first = _as(nn.LayerNorm, layer, axis=1)
        by_layout = {(True, False): ModalityLN, (False, True): ModalityLN2d}
        return by_layout.get((last.pop(), first)) if len(last) == 1 else None
    if isinstance(layer, nn.GroupNorm) and _as(nn.GroupNorm, layer):
        packed = pack_copies(layer, 2)  # such a layer will run
        return ModalityGN if _as(nn.GroupNorm, packed) else None
    return None


def why_not_private(
    layer: nn.Module, private_norm: type[ModalityNorm] | None
) -> str | None:
    """Why ``layer`` is a norm that cannot be made private, or None.

    Args:
        layer: Any layer.
        private_norm: Its :func:`private_type`.
    """
    if isinstance(layer, nn.LayerNorm) and any(
        size > 1 for size in layer.normalized_shape[1:]
    ):
        return f'it normalizes over the axes {layer.normalized_shape}, not the channels'
    if private_norm or isinstance(layer, ModalityNorm):
        return None
    named_so = re.search(r'Norm|^GRN$|^FRN$', type(layer).__name__)
    tensors = _tensors(layer)
    per_channel = tensors and all(t.squeeze().ndim <= 1 for t in tensors)
    if per_channel and (named_so or isinstance(layer, NORM_BASES)):
        return 'it is a norm layer with a forward of its own'
    return None
