"""Freeze the exchange of a trained network for inference."""

import copy
from typing import Any

import torch
from mmcv.cnn.bricks.wrappers import Conv2d
from torch import Tensor, nn

from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.private import PrivateLayer

from .carrier import as_folded
from .layers import FrozenConv, FrozenNorm

#: Convolutions whose forward is known.
PLAIN = (nn.Conv2d, Conv2d)


def freeze_exchange(model: nn.Module, size: tuple[int, int] = (64, 64)) -> nn.Module:
    model = copy.deepcopy(model)
    root: Any = getattr(model, 'backbone', getattr(model, 'generator', model))
    M = root.num_modalities
    _wrap(root, M)
    root.register_forward_hook(_folded_outputs)
    probe = _blank(root, size)
    for layer in root.modules():
        if isinstance(layer, FrozenNorm):
            layer.preparing = True
    with torch.no_grad():
        root(probe)
    for layer in root.modules():
        if isinstance(layer, FrozenNorm):
            layer.preparing = False
    _unwrap(root)
    return model


def _wrap(root: nn.Module, M: int) -> None:
    names = {m: n for n, m in root.named_modules()}
    of_private = {c for m in root.modules() if isinstance(m, PrivateLayer) for c in m.modules()}
    for parent in list(root.modules()):
        if parent in of_private or isinstance(parent, (FrozenConv, FrozenNorm)):
            continue
        for key, child in list(parent._modules.items()):
            if type(child) in PLAIN:
                parent._modules[key] = FrozenConv(child, M)
            elif isinstance(child, ModalityNorm):
                parent._modules[key] = FrozenNorm(names[child], child).eval()


def _unwrap(root: nn.Module) -> None:
    used = {m.norm_name for m in root.modules() if isinstance(m, FrozenConv)}
    for parent in list(root.modules()):
        for key, child in list(parent._modules.items()):
            if isinstance(child, FrozenConv) and child.norm_name is None:
                parent._modules[key] = child.conv
            elif isinstance(child, FrozenNorm) and child.name not in used:
                parent._modules[key] = child.norm_layer


def _blank(root: Any, size: tuple[int, int]) -> Tensor:
    channels = getattr(root, 'packed_channels', None) or root.num_modalities * root.in_channels
    p = next(root.parameters())
    return torch.zeros(1, channels, *size, device=p.device, dtype=p.dtype)


def _folded_outputs(module: nn.Module, args: Any, outputs: Any) -> Any:
    return as_folded(outputs)
