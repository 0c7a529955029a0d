"""Folded and packed features, in the memory format they have."""

import torch
from torch import Tensor


def packed(x: Tensor, num_modalities: int) -> Tensor:
    """Folded features (B*M, C, H, W) -> packed ones, (B, M*C, H, W)."""
    if x.is_contiguous():
        _, C, H, W = x.shape
        return x.view(-1, num_modalities * C, H, W)
    return torch.cat(unfolded(x, num_modalities).unbind(1), dim=1)


def folded(x: Tensor, num_modalities: int) -> Tensor:
    """Packed features (B, M*C, H, W) -> folded ones, (B*M, C, H, W)."""
    if x.is_contiguous():
        _, channels, H, W = x.shape
        return x.view(-1, channels // num_modalities, H, W)
    parts = [part.permute(0, 2, 3, 1) for part in x.chunk(num_modalities, dim=1)]
    return torch.stack(parts, dim=1).flatten(0, 1).permute(0, 3, 1, 2)


def unfolded(x: Tensor, num_modalities: int) -> Tensor:
    """Folded features (B*M, C, H, W) -> streams, (B, M, C, H, W)."""
    return x.view(-1, num_modalities, *x.shape[1:])


def fold_copies(once: Tensor, num_modalities: int) -> Tensor:
    """(B, C, ...) -> (B*M, C, ...), in the same memory format."""
    if not once.is_contiguous() and once.ndim == 4:
        last = once.permute(0, 2, 3, 1)
        return last.repeat_interleave(num_modalities, dim=0).permute(0, 3, 1, 2)
    return once.repeat_interleave(num_modalities, dim=0)


def take_channels(x: Tensor, channels: Tensor) -> Tensor:
    """Some channels of images (B, C, H, W), in the same memory format."""
    if x.is_contiguous():
        return x.index_select(1, channels)
    return x.permute(0, 2, 3, 1).index_select(3, channels).permute(0, 3, 1, 2)
