"""Which private norm replaces a norm layer, of the toolbox, mmpretrain or timm."""

import copy
import re

import torch
from mmengine.model.utils import _BatchNormXd
from mmengine.utils.dl_utils.parrots_wrapper import SyncBatchNorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .copies import num_channels
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


def _as(base: type[nn.Module], layer: nn.Module, axis: int = -1) -> bool:
    """Whether ``layer`` computes what ``base``, which it extends, does along ``axis``.

    It is tried on images, with tensors that are not those of the start.
    """
    channels = num_channels(layer)
    trial = copy.deepcopy(layer).to_empty(device='cpu').float()
    for i, parameter in enumerate(trial.parameters()):
        parameter.data = torch.arange(parameter.numel()).add(i).cos().view_as(parameter)
    x = torch.arange(2 * 3 * 4 * channels).square().cos().view(2, channels, 3, 4)
    x = x.movedim(1, -1) if isinstance(layer, nn.LayerNorm) else x
    try:
        with torch.no_grad():
            out = trial(x.movedim(-1, axis)).movedim(axis, -1)
            return torch.allclose(out, base.forward(trial, x), atol=1e-5)
    except (TypeError, RuntimeError, IndexError):  # another signature or layout
        return False


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
        if _as(nn.LayerNorm, layer):
            return ModalityLN
        return ModalityLN2d if _as(nn.LayerNorm, layer, axis=1) else None
    if isinstance(layer, nn.GroupNorm) and _as(nn.GroupNorm, layer):
        return ModalityGN
    return None


def why_not_private(layer: nn.Module) -> str | None:
    """Why ``layer`` is a norm that cannot be made private, or None."""
    if isinstance(layer, nn.LayerNorm) and any(
        size > 1 for size in layer.normalized_shape[1:]
    ):
        return f'it normalizes over the axes {layer.normalized_shape}, not the channels'
    if private_type(layer) or isinstance(layer, ModalityNorm):
        return None
    named_so = re.search(r'Norm|^GRN$|^FRN$', type(layer).__name__)
    tensors = _tensors(layer)
    per_channel = tensors and all(t.squeeze().ndim <= 1 for t in tensors)
    if per_channel and (named_so or isinstance(layer, NORM_BASES)):
        return 'it is a norm layer with a forward of its own'
    return None
