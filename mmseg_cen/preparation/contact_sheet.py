"""A picture of some samples of a prepared data set: the contact sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg_cen.visualization.panels import (
    Panel,
    color_labels,
    color_modality,
    default_palette,
    draw_grid,
)

from .files import decode_complete
from .layout import Folder, Record
from .plan import Plan

SHEET = 'contact_sheet.png'


def draw_contact_sheet(
    plan: Plan, out: Path, records: Sequence[Record], rows: int = 8
) -> NDArray[np.uint8]:
    """All folders of some samples, evenly spread over the lists; BGR.

    A last column draws the edges of depth on the image, which shows whether the two
    are registered to each other.
    """
    grid = []
    step = max(len(records) // rows, 1)
    palettes: dict[str, Sequence[Sequence[int]]] = {}
    for name, folder in plan.folders.items():
        own = name == 'label' and len(plan.palette) == folder.num_classes
        palettes[name] = (
            plan.palette if own else default_palette(folder.num_classes or 256)
        )
    for record in records[::step][:rows]:
        row, pictures = [], {}
        for name, folder in plan.folders.items():
            path = out / name / f'{record.stem}{folder.suffix}'
            array = decode_complete(path.read_bytes(), color=folder.channels == 3)
            pictures[name], caption = _color(array, folder, palettes[name])
            title = f'{name} {Path(record.stem).name}'
            row.append(Panel(pictures[name], title, caption))
        if {'rgb', 'depth'} <= set(pictures):
            edges = cv2.Canny(np.ascontiguousarray(pictures['depth']), 60, 150) > 0
            picture = np.where(
                edges[..., None], np.array([255, 0, 0], np.uint8), pictures['rgb']
            )
            row.append(Panel(picture, 'edges of depth on rgb'))
        grid.append(row)
    return np.ascontiguousarray(draw_grid(grid)[..., ::-1])


def _color(
    array: NDArray[Any], folder: Folder, palette: Sequence[Sequence[int]]
) -> tuple[NDArray[np.uint8], str]:
    """A small picture (RGB) of a file, and its caption."""
    caption = ''
    if folder.kind == 'label':
        picture = color_labels(array, palette)
    else:
        values = np.atleast_3d(array).transpose(2, 0, 1)
        picture, caption = color_modality(
            values.astype(np.float32) * (folder.scale or 1)
        )
    height, width = picture.shape[:2]
    scale = min(1.0, 320 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(small, np.uint8), caption
