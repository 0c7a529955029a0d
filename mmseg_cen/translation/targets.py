"""Targets of a batch, of which some pixels may be unknown."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def stack_targets(
    samples: Sequence[Any], streams: Tensor
) -> tuple[Tensor, Tensor | None]:
    """The targets of a batch, 0 where they are unknown, and where they are known.

    Args:
        samples: Each a :class:`TranslationDataSample` with ``gt_image`` and, if some of
            its pixels are unknown, ``gt_valid``.
        streams: Images that the generator makes of them, (B, M, C_t, H, W); the targets
            go to their device.

    Returns:
        (B, C_t, H, W), and bool (B, 1, H, W) or, if every pixel is known, ``None``.

    Raises:
        ValueError: If not every sample has a target of the shape of these images.
    """
    if missing := sum('gt_image' not in sample for sample in samples):
        raise ValueError(
            f'samples must have a target `gt_image` to train with, got {missing} of '
            f'{len(samples)} without: name the folder of the target in `data_prefix` '
            'of the data set'
        )
    shape = tuple(streams.shape[2:])
    found = [tuple(sample.gt_image.data.shape) for sample in samples]
    if found != [shape] * len(streams):
        raise ValueError(
            f'each of the {len(streams)} inputs must have a target `gt_image` of shape '
            f'{shape}, the channels of the generator and the size of the sources, got '
            f'{found}: set generator.out_channels, or resize sources and target alike'
        )
    target = torch.stack([sample.gt_image.data for sample in samples])
    target = target.to(streams.device)
    if not any('gt_valid' in sample for sample in samples):
        return target, None
    valid = torch.stack(
        [
            sample.gt_valid.data
            if 'gt_valid' in sample
            else torch.ones_like(sample.gt_image.data[:1], dtype=torch.bool)
            for sample in samples
        ]
    ).to(streams.device)
    return hide_invalid(target, valid), valid


def hide_invalid(images: Tensor, valid: Tensor | None) -> Tensor:
    """Images (B, ..., C, H, W), set to 0 where ``valid`` (B, 1, H, W) is false."""
    if valid is None:
        return images
    shape = (len(valid), *[1] * (images.ndim - 4), *valid.shape[1:])
    return torch.where(valid.view(shape), images, 0)
