"""Pictures of samples of semantic segmentation."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from mmseg.structures import SegDataSample
from numpy.typing import NDArray
from torch import Tensor

from .marks import mark_classes
from .panels import (
    IGNORED_COLOR,
    Panel,
    Picture,
    blend,
    color_errors,
    color_labels,
    color_modality,
    default_palette,
    draw_grid,
    score,
)

#: Classes in a picture up to which colors tell them apart; more have numbers.
FEW = 12


def draw_sample(
    inputs: NDArray[np.floating], sample: SegDataSample, meta: dict[str, Any]
) -> Picture:
    """Draw the modalities, the ground truth and the predictions of a sample.

    The first row has the modalities, the ground truth and where the ensemble differs
    from it; the second the streams, the ensemble, and its prediction over the image.

    Args:
        inputs: (sum of C_m, H, W) packed modalities, in the units of the data set, of
            any size.
        sample: ``pred_sem_seg``, ``pred_streams`` (one field per modality) and
            ``gt_sem_seg`` are drawn if they are there. Its metainfo ``modalities``
            (number of channels by name) describes the inputs; without it they are one
            image.
        meta: ``classes`` and, if it has such, ``palette`` and ``ignore_index`` of the
            data set.

    Returns:
        (h, w, 3) uint8, RGB.
    """
    classes = meta['classes']
    palette = meta.get('palette') or default_palette(len(classes))
    truth = _labels(sample, 'gt_sem_seg')
    if truth is not None and 'ignore_index' in meta:
        truth = np.where(truth == meta['ignore_index'], -1, truth)
    fused = _labels(sample, 'pred_sem_seg')
    streams = {}
    if 'pred_streams' in sample:
        streams = {name: _squeeze(one) for name, one in sample.pred_streams.items()}
    seen = [one for one in (truth, fused, *streams.values()) if one is not None]
    present = np.unique(np.concatenate([[], *(labels.ravel() for labels in seen)]))
    present = present.astype(int)
    numbered = len(present) > FEW

    def colored(labels: NDArray[np.integer], heading: str, caption: str = '') -> Panel:
        marks = mark_classes(labels, len(classes)) if numbered else ()
        return Panel(color_labels(labels, palette), heading, caption, marks)

    def prediction(labels: NDArray[np.integer], heading: str) -> Panel:
        caption = '' if truth is None else score(labels, truth, len(classes))
        return colored(labels, heading, caption)

    modalities = sample.get('modalities', {'input': len(inputs)})
    top = _modality_panels(inputs, modalities, sample.get('absent') or ())
    overlay = None
    if fused is not None:
        picture = blend(_main_picture(top), color_labels(fused, palette))
        overlay = Panel(picture, 'Prediction over the image')
    if truth is not None:
        top.append(colored(truth, 'Ground truth'))
        if fused is not None:
            errors = color_errors(fused, truth, len(classes))
            top.append(Panel(errors, 'Errors', 'red: wrong, black: not labeled'))
    if 'pred_streams' in sample:
        bottom: list[Panel | None] = [
            prediction(streams[name], f'{title(name)} stream')
            if name in streams
            else None  # the modality is absent
            for name in modalities
        ]
        bottom.append(prediction(fused, 'Ensemble'))
        (top if truth is None else bottom).append(overlay)
        rows = [top, bottom]
    elif fused is not None:
        rows = [[*top, prediction(fused, 'Prediction'), overlay]]
    else:
        rows = [top]

    entries = [
        (f'{k} {classes[k]}' if numbered else classes[k], palette[k])
        for k in present
        if 0 <= k < len(classes)
    ]
    if len(entries) < len(present):
        entries.append(('ignored', IGNORED_COLOR))
    return draw_grid(rows, legend=entries)


def _modality_panels(
    inputs: NDArray[np.floating], modalities: dict[str, int], absent: Collection[str]
) -> list[Panel | None]:
    ends = np.cumsum(list(modalities.values()))
    panels: list[Panel | None] = []
    for (name, channels), end in zip(modalities.items(), ends, strict=True):
        picture, values = color_modality(inputs[end - channels : end])
        caption = 'absent' if name in absent else values
        panels.append(Panel(picture, title(name), caption))
    return panels


def _main_picture(panels: Sequence[Panel | None]) -> Picture:
    """The picture of the image, or else of the first modality that is there."""
    there = [p for p in panels if p is not None and p.caption != 'absent']
    images = [panel for panel in there if panel.title == title('rgb')]
    return (images or there or [p for p in panels if p is not None])[0].picture


def title(name: str) -> str:
    """The name of a modality as a title: ``'depth_map'`` -> ``'Depth map'``."""
    return 'RGB' if name == 'rgb' else name.replace('_', ' ').capitalize()


def _labels(sample: SegDataSample, field: str) -> Any:
    return _squeeze(sample.get(field).data) if field in sample else None


def _squeeze(labels: Tensor) -> NDArray[np.integer]:
    # A binary model predicts floats.
    return np.asarray(labels.squeeze(0).long().cpu().numpy())
