"""Predictions for a sample, by name, and their form as 8-bit pictures."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE


def named_outputs(sample: Mapping[str, Any]) -> dict[str, Tensor]:
    """Predicted images by name: streams in the order of the sources, then the ensemble.

    Args:
        sample: A :class:`TranslationDataSample` as a dict (``sample.to_dict()``).

    Returns:
        (C, H, W) images in [-1, 1]: one per source, if the model predicts streams, and
        ``'ensemble'``.

    Raises:
        ValueError: If the sample has no prediction.
    """
    if 'pred_image' not in sample:
        raise ValueError(
            f'a sample must have `pred_image`, got {sorted(sample)}: use these metrics '
            "and hooks with a translation model in mode='predict'"
        )
    streams = sample.get('pred_streams', {})
    names = [name for name in sample.get('sources', sorted(streams)) if name in streams]
    outputs = {name: streams[name] for name in names}
    return {**outputs, ENSEMBLE: sample['pred_image']['data']}


def target_and_validity(sample: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """The target, (C, H, W) in [-1, 1], and where it is valid, bool (1, H, W).

    Raises:
        ValueError: If the sample has no target.
    """
    if 'gt_image' not in sample:
        raise ValueError(
            f'a sample must have a target `gt_image` to be measured, got none of '
            f'{sample.get("img_path")}: name the folder of the target in `data_prefix` '
            'of the data set, or predict only, by tools/test.py --out'
        )
    target = sample['gt_image']['data']
    if 'gt_valid' in sample:
        return target, sample['gt_valid']['data'].to(target.device).bool()
    return target, torch.ones_like(target[:1], dtype=torch.bool)


def check_shape(name: str, image: Tensor, target: Tensor) -> None:
    """Raise a ValueError if an output and the target differ in shape."""
    if image.shape != target.shape:
        raise ValueError(
            f'the output {name!r} must have the shape of the target, '
            f'{tuple(target.shape)}, got {tuple(image.shape)}: predict at the size of '
            'the target, with as many channels'
        )


def to_uint8(image: Tensor) -> Tensor:
    """An image in [-1, 1], rounded to the 256 levels of a picture: (C, H, W) uint8."""
    return ((image.double() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_three_channels(image: Tensor) -> Tensor:
    """An image of one to three channels as a picture of three: (3, H, W).

    One channel is tiled; two (principal curvature) get an empty third, as in the files
    of Taskonomy.

    Raises:
        ValueError: If there are more than three channels.
    """
    channels = len(image)
    if channels == 1:
        return image.expand(3, -1, -1)
    if channels == 2:
        lowest = 0 if image.dtype == torch.uint8 else -1
        return torch.cat([image, torch.full_like(image[:1], lowest)])
    if channels == 3:
        return image
    raise ValueError(
        'an image must have 1 to 3 channels to be shown as a picture, got '
        f'{channels}: choose three of them'
    )
