"""Samples as a metric takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE

from .agreement import Pixels

# Intersection, union, prediction and label: the areas of each class, (K,), that an IoU
# is computed from.
Areas = tuple[Tensor, ...]


@dataclass(frozen=True)
class Facts:
    """What is known of a sample besides its areas.

    Args:
        groups: Groups ``'camera:kv2'`` that it is measured in.
        image: Path of its image.
        pixels: What :func:`compare_streams` counts.
    """

    groups: list[str]
    image: str
    pixels: Pixels


def with_integers(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample whose prediction is of integers, as a binary model's is not."""
    prediction = sample['pred_sem_seg']
    return {**sample, 'pred_sem_seg': {**prediction, 'data': prediction['data'].long()}}


def check_size(sample: dict[str, Any]) -> None:
    """Refuse a sample that cannot be measured.

    Raises:
        ValueError: If it has no labels, or labels of another size than the prediction.
    """
    if 'gt_sem_seg' not in sample:
        raise ValueError(
            f'a sample must have labels to be measured, got none of '
            f'{sample.get("img_path")}: add LoadAnnotations to the `pipeline`, or set '
            'format_only=True of the metric'
        )
    true = tuple(sample['gt_sem_seg']['data'].shape[-2:])
    predicted = tuple(sample['pred_sem_seg']['data'].shape[-2:])
    if true != predicted:
        raise ValueError(
            f'labels must have the size of the prediction, {predicted}, got {true} of '
            f'{sample.get("img_path")}: in the `pipeline` of a test, put '
            'LoadAnnotations behind Resize'
        )


def groups_of(sample: dict[str, Any], group_by: Sequence[str]) -> list[str]:
    """Groups ``'camera:kv2'`` that a sample is measured in.

    Raises:
        ValueError: If it has no group of a name in ``group_by``.
    """
    groups = sample.get('groups', {})
    if 'present' in group_by:
        groups = {**groups, 'present': '+'.join(streams_of(sample))}
    if missing := [name for name in group_by if name not in groups]:
        raise ValueError(
            f'`group_by` must name groups that every sample has, got {missing}, '
            f'but {sample.get("img_path")} has {groups}: set `groups` of the data '
            f'set, or change `group_by`'
        )
    return [f'{name}:{groups[name]}' for name in group_by]


def streams_of(sample: dict[str, Any]) -> dict[str, Tensor]:
    """Predicted classes (H, W) of each stream, in the order of the modalities."""
    streams = sample.get('pred_streams', {})
    # `pred_streams` has no order of its own, and data sets of one test have several.
    order = sample.get('streams') or sample.get('modalities', sorted(streams))
    return {name: streams[name].squeeze().long() for name in order if name in streams}


def outputs_of(results: Sequence[dict[str, Areas]]) -> list[str]:
    """Streams in the order of a result that has all of them, and the ensemble."""
    most = sorted(results, key=len, reverse=True)
    outputs = dict.fromkeys(output for areas in most for output in areas)
    del outputs[ENSEMBLE]
    return [*outputs, ENSEMBLE]
