"""Pictures of samples with several tasks."""

from typing import Any

import numpy as np
import torch
from mmseg.registry import HOOKS
from numpy.typing import NDArray
from torch import Tensor

from mmseg_cen.hooks.visualization import MultimodalVisualizationHook
from mmseg_cen.visualization.panels import (
    Panel,
    Picture,
    color_labels,
    color_modality,
    default_palette,
    draw_grid,
    score,
)
from mmseg_cen.visualization.samples import title

from .errors import angle_counts, angle_errors, depth_errors, depth_sums


@HOOKS.register_module()
class MultitaskVisualizationHook(MultimodalVisualizationHook):
    """Draw one picture per sample: the modalities, each target, each prediction.

    Below each target stands what the ensemble predicts, with its error on the picture.
    Depth has the colors of viridis, far pixels bright; normals are red, green and blue,
    with gray for zero; pixels without a target are black.

    Args:
        **kwargs: Arguments of
            :class:`~mmseg_cen.hooks.MultimodalVisualizationHook`.
    """

    def _draw(
        self, inputs: NDArray[np.floating], sample: Any, meta: dict[str, Any]
    ) -> Picture:
        return draw_tasks(inputs, sample, meta)


def draw_tasks(
    inputs: NDArray[np.floating], sample: Any, meta: dict[str, Any]
) -> Picture:
    """Draw the modalities, and the targets and predictions of all tasks of a sample.

    Args:
        inputs: (sum of C_m, H, W) packed modalities, in the units of the data set.
        sample: A predicted ``SegDataSample``; what it has is drawn.
        meta: ``classes`` and, if there is one, ``palette`` of the data set.

    Returns:
        (h, w, 3) uint8, RGB.
    """
    modalities = sample.get('modalities', {'input': len(inputs)})
    ends = np.cumsum(list(modalities.values()))
    top: list[Panel | None] = []
    for (name, channels), end in zip(modalities.items(), ends, strict=True):
        top.append(
            Panel(*_reordered(color_modality(inputs[end - channels : end]), name))
        )
    bottom: list[Panel | None] = [None] * len(top)
    for field, task in (
        ('sem_seg', 'Classes'),
        ('depth_map', 'Depth'),
        ('normals', 'Normals'),
    ):
        truth, predicted = (
            sample.get(f'{kind}_{field}').data.cpu()
            if f'{kind}_{field}' in sample
            else None
            for kind in ('gt', 'pred')
        )
        if predicted is None:
            continue
        caption = '' if truth is None else _error(field, predicted, truth, meta)
        if truth is not None:
            top.append(_panel(field, truth, f'Target: {task.lower()}', '', meta))
        else:
            top.append(None)
        bottom.append(_panel(field, predicted, task, caption, meta))
    return draw_grid([top, bottom])


def _reordered(colored: tuple[Picture, str], name: str) -> tuple[Picture, str, str]:
    picture, caption = colored
    return picture, title(name), caption


def _panel(
    field: str, values: Tensor, heading: str, caption: str, meta: dict[str, Any]
) -> Panel:
    if field == 'sem_seg':
        palette = meta.get('palette') or default_palette(len(meta['classes']))
        labels = values.squeeze(0).long().numpy()
        return Panel(color_labels(labels, palette), heading, caption)
    if field == 'depth_map':
        picture, limits = color_modality(values.numpy())
        return Panel(picture, heading, caption or f'{limits} m')
    return Panel(color_normals(values.numpy()), heading, caption)


def color_normals(normals: NDArray[np.floating]) -> Picture:
    """Unit vectors (3, H, W) -> (H, W, 3) uint8, RGB; vectors of length 0 are black."""
    levels = ((normals + 1) / 2 * 255).round().clip(0, 255).astype(np.uint8)
    levels[:, ~normals.any(axis=0)] = 0
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


def _error(field: str, predicted: Tensor, truth: Tensor, meta: dict[str, Any]) -> str:
    if field == 'sem_seg':
        maps = [values.squeeze(0).long().numpy() for values in (predicted, truth)]
        return score(maps[0], maps[1], len(meta['classes']))
    valid = truth.isfinite().all(0) & truth.any(0)
    predicted, truth = predicted[:, valid], truth[:, valid]
    if not torch.count_nonzero(valid):
        return 'no pixel with a target'
    if field == 'depth_map':
        errors = depth_errors(depth_sums(predicted[0], truth[0]))
        return f'RMSE {errors["rmse"]:.2f} m, relative {errors["abs_rel"]:.2f}'
    errors = angle_errors(*angle_counts(predicted, truth))
    return f'{errors["mean_angle"]:.1f}\N{DEGREE SIGN}'
